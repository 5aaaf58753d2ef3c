#![allow(unused_imports)]

use windlass_pdk::Config;

#[derive(Config)]
struct UnknownOption {
    #[config(defualt)]
    name: String,
}

#[derive(Config)]
struct SameKey {
    pod_templates: bool,
    #[config(rename = "podTemplates")]
    other: bool,
}

#[derive(Config)]
struct Tuple(String);

#[derive(Config)]
struct Generic<T> {
    value: T,
}

#[derive(Config)]
union Union {
    value: u8,
}

#[derive(Config)]
enum WithFields {
    Word,
    Value(String),
}

#[derive(Config)]
enum Empty {}

#[derive(Config)]
struct UnsupportedType {
    value: std::time::Duration,
}

fn main() {}
