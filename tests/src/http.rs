//! HTTP/1.1, as little of it as servers of our own need.

use std::io::{BufRead, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// A request that was read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path with its query, as it was sent.
    pub target: String,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// An answer: status, headers without length, body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers; the length and the end of the connection are written by themselves.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without headers.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The lines before the body, which is said to have `length` bytes, or to end with the connection.
    #[must_use]
    pub fn head(&self, length: Option<u64>) -> String {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head + "\r\n"
    }

    /// Writes the answer to a request, without its body where the request asked for the head alone.
    ///
    /// # Errors
    /// The connection broke.
    pub fn write(&self, connection: &mut TcpStream, to: &Request) -> std::io::Result<()> {
        connection.write_all(self.head(Some(self.body.len() as u64)).as_bytes())?;
        if to.method == "HEAD" { Ok(()) } else { connection.write_all(&self.body) }
    }
}

fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn read_headers(reader: &mut impl BufRead) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => return Some(headers),
        }
    }
}

/// Reads a request; none when the connection ends before that.
pub fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = read_headers(reader)?;
    let length = find(&headers, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}

/// Sends a request to `address` and reads the answer. Of the body only the first `sent` bytes leave; then the
/// connection ends without an answer.
///
/// # Errors
/// The other side cannot be reached, or gave no answer.
pub fn exchange(address: &str, request: &Request, sent: Option<usize>) -> std::io::Result<Answer> {
    let mut connection = TcpStream::connect(address)?;
    // An answer to HTTP/1.0 is never sent in chunks.
    let mut head = format!("{} {} HTTP/1.0\r\nConnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        if !["connection", "content-length", "accept-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    connection.write_all(head.as_bytes())?;
    if let Some(sent) = sent {
        connection.write_all(&request.body[..sent])?;
        return Err(std::io::ErrorKind::ConnectionAborted.into());
    }
    connection.write_all(&request.body)?;
    let mut reader = std::io::BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(std::io::ErrorKind::InvalidData)?;
    let mut headers = read_headers(&mut reader).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    headers.retain(|(name, _)| !["connection", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own)));
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    Ok(Answer { status, headers, body })
}

/// Serves each connection's only request on a thread of its own until the process ends; gives the address. A handler
/// that gives nothing has answered by itself, or ends the connection without an answer.
///
/// # Panics
/// There is no free port.
pub fn serve(handler: impl Fn(&Request, &mut TcpStream) -> Option<Answer> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let handler = std::sync::Arc::new(handler);
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let handler = std::sync::Arc::clone(&handler);
            std::thread::spawn(move || {
                let mut reader = std::io::BufReader::new(connection.try_clone().ok()?);
                let request = read_request(&mut reader)?;
                let answer = handler(&request, &mut connection)?;
                // A client that gives up breaks the connection; that is its right.
                answer.write(&mut connection, &request).ok()
            });
        }
    });
    address
}
