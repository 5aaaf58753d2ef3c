#![allow(unused_imports)]

use windlass_pdk::Config;

#[derive(Config)]
struct BoundsOfText {
    #[config(min = 1)]
    name: String,
}

#[derive(Config)]
struct PatternOfNumber {
    #[config(pattern = "^a")]
    count: u32,
}

fn main() {
    let _ = (BoundsOfText::SCHEMA, PatternOfNumber::SCHEMA);
}
