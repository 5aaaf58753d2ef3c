//! The standard streams of a command, and what it is started with.

use std::collections::VecDeque;

use crate::command::CommandLine;
use crate::error::Error;
use crate::error::MAX_ERROR_TEXT;
use crate::finding::PREFIX;
use crate::limits::ByteSize;
use crate::sandbox::instance::budget::Budget;
use crate::text::printable;

/// Bytes that are kept of a command's standard error, half of them from its start and half from its end: a Go panic
/// says what is wrong in its first line, most other programs in their last.
const EXCERPT: usize = MAX_ERROR_TEXT as usize;

/// What a command has been given and has written.
#[derive(Debug)]
pub(in crate::sandbox::instance) struct Program {
    /// Arguments with their final NUL.
    args: Vec<Vec<u8>>,
    /// `NAME=VALUE` with its final NUL.
    env: Vec<Vec<u8>>,
    stdin: Vec<u8>,
    read: usize,
    stdout: Vec<u8>,
    stderr: Excerpt,
    max_output: ByteSize,
}

impl Program {
    pub(in crate::sandbox::instance) fn new(
        line: CommandLine,
        granted: Vec<Vec<u8>>,
        stdin: Vec<u8>,
        max: ByteSize,
    ) -> Self {
        let ended = |mut bytes: Vec<u8>| {
            bytes.push(0);
            bytes
        };
        // What the configuration says of a variable counts, whatever the host's value is.
        let is_configured = |variable: &[u8]| {
            line.env.iter().any(|(name, _)| variable.strip_prefix(name.as_bytes()).is_some_and(|v| v.starts_with(b"=")))
        };
        let configured = line.env.iter().map(|(name, value)| format!("{name}={value}").into_bytes());
        let granted = granted.into_iter().filter(|variable| !is_configured(variable));
        Self {
            env: configured.chain(granted).map(ended).collect(),
            args: line.args.into_iter().map(|text| ended(text.into_bytes())).collect(),
            stdin,
            read: 0,
            stdout: Vec::new(),
            stderr: Excerpt::default(),
            max_output: max,
        }
    }

    pub(super) fn args(&self) -> &[Vec<u8>] {
        &self.args
    }

    pub(super) fn env(&self) -> &[Vec<u8>] {
        &self.env
    }

    /// The next bytes of standard input, as many as fit; none at its end.
    pub(super) fn read_stdin(&mut self, place: &mut [u8]) -> usize {
        let rest = self.stdin.get(self.read..).unwrap_or_default();
        let length = rest.len().min(place.len());
        if let (Some(place), Some(bytes)) = (place.get_mut(..length), rest.get(..length)) {
            place.copy_from_slice(bytes);
        }
        self.read += length;
        length
    }

    /// Takes bytes for the answer, as they come.
    ///
    /// # Errors
    /// The answer is larger than the limit, or than the memory that is left (exit 4).
    pub(super) fn write_stdout(&mut self, bytes: &[u8], budget: &mut Budget) -> Result<(), Error> {
        let length = (self.stdout.len() as u64).saturating_add(bytes.len() as u64);
        if length > self.max_output.0 {
            return Err(Error::limit(format!("it wrote more than {} to its standard output", self.max_output))
                .hint("if you trust it with more, raise the limit with `--max-output`"));
        }
        // What the vector holds is counted, which is up to twice what is in it.
        if length > self.stdout.capacity() as u64 {
            let more = bytes.len().max(self.stdout.capacity()).max(1 << 12);
            budget.charge(more as u64)?;
            self.stdout.reserve_exact(self.stdout.capacity() - self.stdout.len() + more);
        }
        self.stdout.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_stderr(&mut self, bytes: &[u8]) {
        self.stderr.write(bytes);
    }

    /// The answer.
    pub(in crate::sandbox::instance) fn take_stdout(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stdout)
    }

    /// What it wrote to its standard error, fit to be shown; none if it wrote nothing.
    pub(in crate::sandbox::instance) fn stderr_text(&self) -> Option<String> {
        let text = self.stderr.text();
        // What is a finding is told as one.
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(PREFIX)).collect();
        let text = lines.join("\n");
        let text = printable(text.trim());
        (!text.is_empty()).then(|| text.into_owned())
    }
}

/// The start and the end of what may be endless.
#[derive(Debug, Default)]
struct Excerpt {
    start: Vec<u8>,
    end: VecDeque<u8>,
    left_out: u64,
}

impl Excerpt {
    fn write(&mut self, bytes: &[u8]) {
        let room = (EXCERPT / 2).saturating_sub(self.start.len());
        let (start, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.start.extend_from_slice(start);
        // Of a long piece only its end can stay: what is before is not looked at.
        let (skipped, kept) = rest.split_at(rest.len().saturating_sub(EXCERPT / 2));
        let too_many = (self.end.len() + kept.len()).saturating_sub(EXCERPT / 2);
        self.end.drain(..too_many);
        self.left_out += (skipped.len() + too_many) as u64;
        self.end.extend(kept);
    }

    fn text(&self) -> String {
        let end: Vec<u8> = self.end.iter().copied().collect();
        let (start, end) = (String::from_utf8_lossy(&self.start), String::from_utf8_lossy(&end));
        match self.left_out {
            0 => start.into_owned() + &end,
            bytes => format!("{start}\n[{bytes} bytes left out]\n{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: CommandLine, granted: &[&str], stdin: &[u8]) -> Program {
        let granted = granted.iter().map(|text| text.as_bytes().to_vec()).collect();
        Program::new(line, granted, stdin.to_vec(), ByteSize(10_000))
    }

    #[test]
    fn variables_of_the_configuration_come_first_and_win() {
        let line = CommandLine { args: vec!["p".to_owned()], env: vec![("A".to_owned(), "1".to_owned())] };
        let program = program(line, &["A=host", "AB=2"], b"");
        assert_eq!(program.env(), [b"A=1\0".to_vec(), b"AB=2\0".to_vec()]);
        assert_eq!(program.args(), [b"p\0".to_vec()]);
    }

    #[test]
    fn streams_come_in_pieces() {
        let mut program = program(CommandLine::default(), &[], b"abc");
        let mut place = [0; 2];
        assert_eq!((program.read_stdin(&mut place), place), (2, *b"ab"));
        assert_eq!((program.read_stdin(&mut place), place[0]), (1, b'c'));
        assert_eq!((program.read_stdin(&mut place), program.read_stdin(&mut [])), (0, 0));
        let mut budget = Budget::new(100_000);
        for _ in 0..10 {
            program.write_stdout(&[b'x'; 1000], &mut budget).unwrap();
        }
        let error = program.write_stdout(b"y", &mut budget).unwrap_err();
        assert!(error.to_string().contains("more than 10000 to its standard output"), "{error}");
        assert_eq!(program.take_stdout().len(), 10_000);
        let error = program.write_stdout(&[0; 8192], &mut Budget::new(8191)).unwrap_err();
        assert!(error.to_string().contains("of memory"), "{error}");
    }

    #[test]
    fn the_start_and_the_end_of_a_flood_of_errors_are_kept() {
        let mut program = program(CommandLine::default(), &[], b"");
        assert_eq!(program.stderr_text(), None);
        program.write_stderr(b"panic: x\n");
        assert_eq!(program.stderr_text().unwrap(), "panic: x");
        for _ in 0..1000 {
            program.write_stderr(&[b'.'; 999]);
        }
        program.write_stderr(&vec![b'-'; 1 << 20]);
        program.write_stderr(b"\x1bthe end");
        let text = program.stderr_text().unwrap();
        assert!(text.starts_with("panic: x\n") && text.ends_with("\\u{1b}the end"), "{text}");
        assert!(text.contains("bytes left out") && text.len() < EXCERPT + 100, "{}", text.len());
    }
}
