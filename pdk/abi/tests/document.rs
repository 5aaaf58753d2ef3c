//! docs/abi.md, for people without a PDK: the bytes in it are those of the code.

use windlass_abi::message::{encode_args, encode_input, encode_output, parse_output};
use windlass_abi::metadata::{Metadata, SECTION};
use windlass_abi::raw::{Answer, FailureCode};

/// The value of a line of the exchange.
fn line<'d>(document: &'d str, name: &str) -> &'d str {
    let found = document.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("  "));
    found.unwrap_or_else(|| panic!("docs/abi.md has no line `{name}`")).trim()
}

fn bytes(text: &str) -> Vec<u8> {
    text.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect()
}

fn packed(text: &str) -> Answer {
    let number = u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number");
    Answer::unpack(number.cast_signed())
}

#[test]
fn the_exchange_is_what_the_code_says() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/abi.md");
    // The crate alone, as crates.io has it, comes without the repository's documents.
    let Ok(document) = std::fs::read_to_string(file) else { return };
    let arguments = ["a=b".to_owned()];
    let message = encode_input(b"kind: A\n", &arguments);
    assert_eq!(line(&document, "message in").as_bytes(), message);
    assert_eq!(line(&document, "input_length"), message.len().to_string());
    let first: [u8; 8] = message[..8].try_into().expect("eight bytes");
    assert_eq!(line(&document, "input_load_u64(0)"), format!("{:#018x}", u64::from_le_bytes(first)));
    let answer = line(&document, "message out").as_bytes();
    assert_eq!(answer, encode_output(b"kind: B\n"));
    assert_eq!(parse_output(answer.to_vec()).as_deref(), Ok(&b"kind: B\n"[..]));
    assert_eq!(bytes(line(&document, "raw: stream")), b"kind: A\n");
    assert_eq!(bytes(line(&document, "raw: arguments")), encode_args(&arguments));
    assert_eq!(packed(line(&document, "raw: answer at 1 MiB")), Answer::Output { pointer: 1 << 20, length: 8 });
    assert_eq!(packed(line(&document, "raw: unchanged")), Answer::Unchanged);
    assert_eq!(packed(line(&document, "raw: refused")), Answer::Failed(FailureCode::Refused));
    assert_eq!(packed(line(&document, "raw: configuration")), Answer::Failed(FailureCode::Config));

    let section = bytes(line(&document, "metadata section"));
    let (head, body) = section.split_at(2);
    assert_eq!((head[0], usize::from(head[1])), (0, body.len()));
    let (name, json) = body[1..].split_at(usize::from(body[0]));
    assert_eq!(name, SECTION.as_bytes());
    assert_eq!(Metadata::parse(json).expect("metadata").name, "b");
}
