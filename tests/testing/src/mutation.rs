//! Random changes to texts and bytes.

/// A small random number generator (xorshift): enough for mutations, and repeatable.
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below a bound; 0 for the bound 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 16) as usize % bound.max(1)
    }

    /// One of some things.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Bits of text that mean something to a YAML reader.
const PIECES: [&str; 75] = [
    ":",
    ": ",
    "- ",
    "-",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n  ",
    "#",
    " #",
    " # c",
    "\t",
    "\r\n",
    "\r",
    "\"",
    "'",
    "''",
    "\\",
    "\\n",
    "\\\"",
    "\\u00e9",
    "\\ud83d",
    "\\x41",
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "{}",
    "[]",
    "{a: b}",
    "[a, b]",
    "|",
    "|\n",
    ">-\n",
    "|+\n",
    "|2\n",
    "&a ",
    "*a",
    "<<: ",
    "!!merge <<: ",
    "!t ",
    "!!str ",
    "? ",
    "---\n",
    "--- ",
    "...\n",
    "%YAML 1.2\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "😀",
    "~",
    "null",
    "@",
    "`",
    "=",
    "a",
    "b: c\n",
    "- d\n",
    "e:\n",
    "kind: Pod\n",
    "metadata:\n",
    "labels:\n",
    "    ",
    "|-\n",
    "\"a\": ",
    "'b': ",
    "\0",
    "\x1b",
    "- - ",
    "key with spaces: ",
];

/// Changes a text in a few places.
pub fn mutate(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..1 + random.below(4) {
        let at = char_boundary(&text, random.below(text.len() + 1));
        match random.below(9) {
            0..=2 => text.insert_str(at, random.pick(&PIECES)),
            3 => {
                let end = char_boundary(&text, at + 1 + random.below(4));
                text.replace_range(at..end.max(at), "");
            }
            4 => {
                let end = char_boundary(&text, at + 1 + random.below(3));
                text.replace_range(at..end.max(at), random.pick(&PIECES));
            }
            5 => {
                // A line's indentation changes.
                let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
                if random.below(2) == 0 {
                    text.insert_str(line, random.pick(&[" ", "  ", "    "]));
                } else if text[line..].starts_with(' ') {
                    text.remove(line);
                }
            }
            6 => {
                // A line comes twice, or goes.
                let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
                let line = text[start..end].to_owned();
                match random.below(2) {
                    0 => text.insert_str(end, &line),
                    _ => text.replace_range(start..end, ""),
                }
            }
            7 => {
                // A piece of another document.
                let from = char_boundary(other, random.below(other.len() + 1));
                let to = char_boundary(other, from + random.below(60));
                text.insert_str(at, &other[from..to.max(from)]);
            }
            _ => text.truncate(at),
        }
    }
    text
}

fn char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Changes bytes in a few places: what formats of fixed width trip over.
pub fn mutate_bytes(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len().max(1));
        match random.below(7) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.pick(&[0, 1, 0x7f, 0x80, 0xff, b'/', b'.', b'0', b' ', b'x']);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            3 => bytes.truncate(at),
            4 => {
                let from = random.below(other.len() + 1);
                let piece: Vec<u8> = other.iter().skip(from).take(random.below(64)).copied().collect();
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at.min(end)..end, piece);
            }
            5 => {
                // A block comes twice, as entries of archives are blocks of 512 bytes.
                let start = at - at % 512;
                let block: Vec<u8> = bytes.iter().skip(start).take(512).copied().collect();
                bytes.splice(start..start, block);
            }
            _ => {
                let number = random.pick(&[0_u64, 1, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX]).to_le_bytes();
                for (place, byte) in bytes.iter_mut().skip(at).zip(number) {
                    *place = byte;
                }
            }
        }
    }
    bytes
}
