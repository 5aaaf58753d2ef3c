//! A request and what came back, as plain data.

use windlass_manifest::Value;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without header fields and body.
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Extism's form of the request, without the body.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        allow(dead_code, reason = "the native stand-in takes the request as it is")
    )]
    pub(crate) fn to_json(&self) -> String {
        let text = |text: &str| Value::String(text.to_owned());
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Value::Map(vec![
            ("url".to_owned(), text(&self.url)),
            ("method".to_owned(), text(&self.method)),
            ("headers".to_owned(), Value::Map(headers)),
        ])
        .to_json()
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields; the host gives the names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header field, whatever the case of its name; the first where it is there several times.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// All values of a header field, in their order. An engine may also give them as one, joined by commas.
    pub fn header_values<'r, 'n>(&'r self, name: &'n str) -> impl Iterator<Item = &'r str> + use<'r, 'n> {
        self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
