//! What a guest says on the side: log lines, and its standard output and error.

use crate::event::LogLevel;
use crate::finding::Found;
use crate::limits::table::{MAX_LOG, MAX_LOG_LINE, MAX_LOGGED};
use crate::text::one_line;

/// The most bytes of log lines that are kept of one run.
const MAX_BYTES: usize = MAX_LOG as usize;
/// The most bytes of one line.
const MAX_LINE_BYTES: usize = MAX_LOG_LINE as usize;

/// The lines so far. They are kept until the guest is done, so that no guest waits for a slow terminal.
#[derive(Debug)]
pub(crate) struct Logs {
    level: LogLevel,
    lines: Vec<(LogLevel, String)>,
    bytes: usize,
    /// How much may still be looked at: one call may hand over gigabytes, and no deadline holds in here.
    look: usize,
    dropped: u64,
    /// What was written to standard output or error since the last line break.
    unfinished: Vec<u8>,
    /// The lines that are findings: kept whatever the level.
    found: Found,
}

impl Logs {
    pub(crate) fn new(level: LogLevel) -> Self {
        Self {
            level,
            lines: Vec::new(),
            bytes: 0,
            look: MAX_LOGGED as usize,
            dropped: 0,
            unfinished: Vec::new(),
            found: Found::default(),
        }
    }

    /// The least level that is kept.
    pub(crate) fn level(&self) -> LogLevel {
        self.level
    }

    /// Keeps a message, one line of the log for each of its lines.
    pub(crate) fn log(&mut self, level: LogLevel, message: &[u8]) {
        if self.found.take(message) || level < self.level {
            return;
        }
        let message = self.looked_at(level, message);
        self.keep(level, message);
    }

    /// As much of `bytes` as may still be looked at; what is not counts as one line that was dropped.
    fn looked_at<'b>(&mut self, level: LogLevel, bytes: &'b [u8]) -> &'b [u8] {
        let seen = bytes.get(..self.look).unwrap_or(bytes);
        self.look -= seen.len();
        // What nobody wanted to see is not missed.
        self.dropped += u64::from(seen.len() < bytes.len() && level >= self.level);
        seen
    }

    fn keep(&mut self, level: LogLevel, message: &[u8]) {
        for line in message.split(|byte| *byte == b'\n') {
            if self.found.take(line) || level < self.level {
                continue;
            }
            if self.bytes >= MAX_BYTES {
                self.dropped += 1;
                continue;
            }
            let line = line.get(..MAX_LINE_BYTES).unwrap_or(line);
            let line = one_line(&String::from_utf8_lossy(line)).into_owned();
            self.bytes += line.len() + size_of::<(LogLevel, String)>();
            self.lines.push((level, line));
        }
    }

    /// Takes bytes written to standard output or error; each whole line becomes a log line.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let bytes = self.looked_at(LogLevel::Info, bytes);
        let room = MAX_LINE_BYTES.saturating_sub(self.unfinished.len());
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.unfinished.extend(bytes.iter().take(room));
            return;
        };
        let (whole, rest) = bytes.split_at(end);
        self.unfinished.extend(whole.iter().take(room.max(MAX_BYTES)));
        let lines = std::mem::take(&mut self.unfinished);
        self.keep(LogLevel::Info, &lines);
        self.unfinished.extend(rest.iter().skip(1).take(MAX_LINE_BYTES));
    }

    /// All lines, with a last one that says how many were too many, and the findings.
    pub(crate) fn finish(mut self) -> (Vec<(LogLevel, String)>, Found) {
        if !self.unfinished.is_empty() {
            let rest = std::mem::take(&mut self.unfinished);
            self.keep(LogLevel::Info, &rest);
        }
        if self.dropped > 0 {
            self.lines.push((LogLevel::Warn, format!("at least {} more log lines were dropped", self.dropped)));
        }
        (self.lines, self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floods_are_cut_and_terminals_are_safe() {
        let mut logs = Logs::new(LogLevel::Info);
        logs.log(LogLevel::Debug, b"hidden");
        logs.log(LogLevel::Warn, b"\x1b[2Jgone\nsecond");
        logs.write(b"half ");
        logs.write(b"line\nnext");
        for _ in 0..1000 {
            logs.log(LogLevel::Error, &vec![b'x'; 1 << 20]);
        }
        let (lines, _) = logs.finish();
        assert_eq!(lines[0].1, "\\u{1b}[2Jgone");
        assert_eq!((lines[1].1.as_str(), lines[2].1.as_str()), ("second", "half line"));
        assert!(lines.last().unwrap().1.ends_with("more log lines were dropped"));
        assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() < MAX_BYTES + 2 * MAX_LINE_BYTES);

        // Escapes are longer than what they stand for: they count as they are kept.
        let mut logs = Logs::new(LogLevel::Info);
        for _ in 0..1000 {
            logs.log(LogLevel::Error, &vec![0x1b; 1 << 20]);
        }
        let kept: usize = logs.finish().0.iter().map(|(_, line)| line.len()).sum();
        assert!(kept < MAX_BYTES + 7 * MAX_LINE_BYTES, "{kept}");
    }

    /// Counted, not timed: what is beyond the limit is not looked at.
    #[test]
    fn a_flood_is_not_looked_at() {
        let mut logs = Logs::new(LogLevel::Info);
        let flood = vec![b'\n'; 8 << 20];
        for _ in 0..1000 {
            logs.write(&flood);
            logs.log(LogLevel::Warn, &flood);
        }
        assert_eq!(logs.look, 0);
        assert!(logs.dropped < 5 << 20, "{}", logs.dropped);
        assert!(logs.finish().0.len() < 50_000);
    }
}
