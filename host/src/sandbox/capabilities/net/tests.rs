use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;

use super::*;
use crate::error::ExitCode;

/// A server on loopback that answers each connection with the next of `answers`; what it was asked goes to the channel.
fn serve(answers: Vec<Vec<u8>>) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let _ = sender.send(read_head(&mut stream));
            let _ = stream.write_all(&answer);
        }
    });
    (port, receiver)
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    answer(&format!("{status} Moved\r\nlocation: {location}"), "")
}

fn network(granted: &[&str]) -> Network {
    let mut grants = Grants::default();
    for value in granted {
        grants.allow(Capability::Net, value).unwrap();
    }
    Network::new(&grants)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(300)
}

fn get(url: &str) -> Request {
    Request { url: url.to_owned(), ..Request::default() }
}

/// `expected`: status and body, or the exit code and a part of the error with its hints.
#[track_caller]
fn check(granted: &[&str], request: Request, expected: Result<(u16, &str), (ExitCode, &str)>) {
    match (network(granted).send(request, soon()), expected) {
        (Ok(response), Ok((status, body))) => {
            assert_eq!((response.status, String::from_utf8_lossy(&response.body).as_ref()), (status, body));
        }
        (Err(error), Err((code, part))) => {
            let text = format!("{error} {}", error.hints().join(" "));
            assert_eq!(error.exit_code(), code, "{text}");
            assert!(text.contains(part), "{text:?} does not contain {part:?}");
        }
        (actual, expected) => panic!("{actual:?}, expected {expected:?}"),
    }
}

#[test]
fn nothing_is_reached_without_its_grant() {
    let (port, asked) = serve(vec![answer("200 OK", "hello")]);
    let url = format!("http://127.0.0.1:{port}/x?token=secret");
    let flag = format!("`--allow-net 127.0.0.1:{port}`");
    check(&[], get(&url), Err((ExitCode::Denied, &flag)));
    check(&["localhost"], get(&url), Err((ExitCode::Denied, &flag)));
    check(&["127.0.0.1"], get(&url), Err((ExitCode::Denied, &flag)));
    check(&["127.0.0.1:1"], get(&url), Err((ExitCode::Denied, &flag)));
    assert!(asked.try_recv().is_err(), "nothing was sent");
    let error = network(&[]).send(get(&url), soon()).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    check(&[&format!("127.0.0.1:{port}")], get(&url), Ok((200, "hello")));
}

#[test]
fn malformed_requests_are_refused() {
    for (url, part) in [
        ("", "relative URL"),
        ("file:///etc/passwd", "only https and http"),
        ("gopher://x", "only https and http"),
        ("http://user:pw@x.example/", "go into a header"),
        ("http://", "empty host"),
    ] {
        check(&[], get(url), Err((ExitCode::Refused, part)));
    }
    check(&[], get(&format!("https://x.example/{}", "a".repeat(MAX_URL))), Err((ExitCode::Refused, "too long")));
    let with = |method: &str, name: &str, value: &str| Request {
        method: method.to_owned(),
        headers: vec![(name.to_owned(), value.to_owned())],
        ..get("https://x.example/")
    };
    check(&[], with("CONNECT", "a", "b"), Err((ExitCode::Refused, "HTTP method")));
    check(&[], with("GET", "Host", "y.example"), Err((ExitCode::Refused, "only the host sets")));
    check(&[], with("GET", "Transfer-Encoding", "chunked"), Err((ExitCode::Refused, "only the host sets")));
    check(&[], with("GET", "a b", "c"), Err((ExitCode::Refused, "no name of a field")));
    check(&[], with("GET", "a", "b\r\nc: d"), Err((ExitCode::Refused, "control characters")));
}

#[test]
fn each_redirect_is_checked() {
    let (elsewhere, asked_elsewhere) = serve(vec![answer("200 OK", "moved")]);
    let location = format!("http://127.0.0.1:{elsewhere}/");
    let (port, _) = serve(vec![redirect(302, &location), redirect(302, &location)]);
    let request = Request {
        headers: [
            ("Authorization", "Bearer secret"),
            ("Cookie", "secret"),
            ("X-Api-Key", "secret"),
            ("Accept", "text/x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..get(&format!("http://127.0.0.1:{port}/"))
    };
    let first = format!("127.0.0.1:{port}");
    let second = format!("127.0.0.1:{elsewhere}");
    check(&[&first], request.clone(), Err((ExitCode::Denied, &format!("`--allow-net {second}`"))));
    assert!(asked_elsewhere.try_recv().is_err(), "the second server was not asked");
    check(&[&first, &second], request, Ok((200, "moved")));
    let head = asked_elsewhere.recv().unwrap().to_ascii_lowercase();
    assert!(head.contains("accept: text/x") && !head.contains("secret"), "credentials do not follow: {head}");
}

/// Across origins a short list of fields goes along, and no body: another granted server is another reader.
#[test]
fn a_body_is_for_whom_it_was_addressed_to() {
    for (status, method) in
        [(307, "POST"), (308, "PUT"), (307, "DELETE"), (308, "PATCH"), (307, "GET"), (308, "GET"), (308, "HEAD")]
    {
        let (elsewhere, asked_elsewhere) = serve(vec![answer("200 OK", "taken")]);
        let (port, _) = serve(vec![redirect(status, &format!("http://127.0.0.1:{elsewhere}/"))]);
        let granted = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{elsewhere}")];
        let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
        let request =
            Request { method: method.to_owned(), body: "a Secret".into(), ..get(&format!("http://127.0.0.1:{port}/")) };
        check(&granted, request, Err((ExitCode::Denied, "repeated at another server")));
        assert!(asked_elsewhere.try_recv().is_err(), "{status} {method} went elsewhere");
    }
    // What becomes a GET has no body any more, and no fields about one.
    let (elsewhere, asked_elsewhere) = serve(vec![answer("200 OK", "read")]);
    let (port, _) = serve(vec![redirect(303, &format!("http://127.0.0.1:{elsewhere}/"))]);
    let granted = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{elsewhere}")];
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let request = Request {
        method: "POST".to_owned(),
        headers: vec![("content-type".to_owned(), "text/secret".to_owned())],
        body: "a Secret".into(),
        ..get(&format!("http://127.0.0.1:{port}/"))
    };
    check(&granted, request, Ok((200, "read")));
    let head = asked_elsewhere.recv().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get ") && !head.contains("secret"), "{head}");
}

#[test]
fn redirects_end() {
    let loops = vec![redirect(307, "/again"); MAX_REDIRECTS + 1];
    let (port, _) = serve(loops);
    let granted = format!("127.0.0.1:{port}");
    check(&[&granted], get(&format!("http://{granted}/")), Err((ExitCode::Network, "redirects more than 5 times")));
    let (port, _) = serve(vec![redirect(302, "file:///etc/passwd")]);
    let granted = format!("127.0.0.1:{port}");
    check(&[&granted], get(&format!("http://{granted}/")), Err((ExitCode::Refused, "only https and http")));
}

#[test]
fn addresses_that_no_grant_names_are_not_reached() {
    let grant = |value: &str| match Grant::parse(Capability::Net, value).unwrap() {
        Grant::Net(target) => target,
        other => panic!("{other}"),
    };
    let name = grant("registry.example");
    for (address, code) in [
        ("127.0.0.1", Err(ExitCode::Denied)),
        ("::1", Err(ExitCode::Denied)),
        ("::ffff:127.0.0.1", Err(ExitCode::Denied)),
        ("10.1.2.3", Err(ExitCode::Denied)),
        ("192.168.0.1", Err(ExitCode::Denied)),
        ("100.64.0.1", Err(ExitCode::Denied)),
        ("169.254.169.254", Err(ExitCode::Denied)),
        ("fd00:ec2::254", Err(ExitCode::Denied)),
        ("fe80::1", Err(ExitCode::Denied)),
        ("64:ff9b::a9fe:a9fe", Err(ExitCode::Denied)),
        ("0.0.0.0", Err(ExitCode::Denied)),
        ("168.63.129.16", Err(ExitCode::Denied)),
        ("192.0.0.192", Err(ExitCode::Denied)),
        ("198.18.0.1", Err(ExitCode::Denied)),
        ("64:ff9b:1::1", Err(ExitCode::Denied)),
        ("fec0::1", Err(ExitCode::Denied)),
        ("::7f00:1", Err(ExitCode::Denied)),
        ("2001::1", Err(ExitCode::Denied)),
        ("93.184.216.34", Ok(())),
        ("2606:2800:220:1::1", Ok(())),
    ] {
        let address: IpAddr = address.parse().unwrap();
        let judged = network(&["registry.example"]).judge(&name, address, 443).map_err(|error| error.exit_code());
        assert_eq!(judged, code, "{address}");
    }
    let named = network(&["registry.example", "10.1.2.3"]);
    assert!(named.judge(&name, "10.1.2.3".parse().unwrap(), 443).is_ok(), "named outright");
    assert!(named.judge(&name, "10.1.2.4".parse().unwrap(), 443).is_err());
    assert!(named.judge(&name, "10.1.2.3".parse().unwrap(), 8443).is_err());
    let localhost = grant("localhost:5000");
    assert!(network(&["localhost:5000"]).judge(&localhost, "127.0.0.1".parse().unwrap(), 5000).is_ok());
    assert!(network(&["localhost:5000"]).judge(&localhost, "10.0.0.1".parse().unwrap(), 5000).is_err());
}

/// A network whose names resolve to what `answers` say, one after the other; the names it was asked for.
fn resolving(granted: &[&str], answers: &[&str]) -> (Network, Arc<Mutex<Vec<String>>>) {
    let mut network = network(granted);
    let mut answers: Vec<IpAddr> = answers.iter().rev().map(|address| address.parse().unwrap()).collect();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let state = Mutex::new(move || answers.pop());
    network.resolve = Arc::new(move |host, port| {
        log.lock().unwrap().push(host.to_owned());
        let address = (state.lock().unwrap())().ok_or_else(|| io::Error::other("asked once more"))?;
        Ok(vec![SocketAddr::new(address, port)])
    });
    (network, asked)
}

/// One look-up for each hop, and the connection goes to what was judged: nobody else would know such a name.
#[test]
fn a_name_is_resolved_once_and_the_judged_address_is_used() {
    let (port, _) = serve(vec![redirect(302, "/next"), answer("200 OK", "pinned")]);
    let granted = [format!("registry.invalid:{port}"), format!("127.0.0.1:{port}")];
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let url = format!("http://registry.invalid:{port}/");
    let (mut pinned, asked) = resolving(&granted, &["127.0.0.1", "127.0.0.1"]);
    assert_eq!(pinned.send(get(&url), soon()).unwrap().body, b"pinned");
    assert_eq!(*asked.lock().unwrap(), ["registry.invalid", "registry.invalid"]);
}

/// A final dot names the same host: it is judged and connected to as one, and nobody looks the name up again unjudged.
#[test]
fn a_final_dot_changes_nothing() {
    let (port, _) = serve(vec![redirect(302, "/next"), answer("200 OK", "pinned")]);
    let granted = [format!("registry.invalid:{port}"), format!("127.0.0.1:{port}")];
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let (mut dotted, asked) = resolving(&granted, &["127.0.0.1", "127.0.0.1"]);
    assert_eq!(dotted.send(get(&format!("http://Registry.INVALID.:{port}/")), soon()).unwrap().body, b"pinned");
    assert_eq!(*asked.lock().unwrap(), ["registry.invalid", "registry.invalid"]);

    let (port, asked_server) = serve(vec![answer("200 OK", "plain")]);
    let granted = format!("localhost:{port}");
    check(&[&granted], get(&format!("http://localhost.:{port}/")), Ok((200, "plain")));
    let head = asked_server.recv().unwrap().to_ascii_lowercase();
    assert!(head.contains(&format!("host: localhost:{port}\r\n")), "{head}");
    check(&[&granted], get(&format!("http://localhost..:{port}/")), Err((ExitCode::Refused, "names no host")));
}

/// DNS rebinding: the name is good for the first hop and points to a cloud's metadata at the second.
#[test]
fn a_name_that_changes_its_mind_is_judged_anew() {
    let (port, asked_server) = serve(vec![redirect(302, "/next"), answer("200 OK", "never")]);
    let granted = [format!("registry.invalid:{port}"), format!("127.0.0.1:{port}")];
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let (mut rebound, _) = resolving(&granted, &["127.0.0.1", "169.254.169.254"]);
    let error = rebound.send(get(&format!("http://registry.invalid:{port}/")), soon()).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Denied, "{error}");
    assert!(error.to_string().contains("resolves to 169.254.169.254"), "{error}");
    assert_eq!(asked_server.try_iter().count(), 1, "the second hop went nowhere");
}

/// A name server that does not answer keeps neither the request beyond its deadline nor the end of the run.
#[test]
fn a_name_server_that_says_nothing_ends_at_the_deadline() {
    let started = Instant::now();
    let mut silent = network(&["registry.invalid"]);
    silent.resolve = Arc::new(|_, _| {
        thread::sleep(Duration::from_secs(900));
        Err(io::Error::other("late"))
    });
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = silent.send(get("https://registry.invalid/"), deadline).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Limit, "{error}");
    drop(silent);
    assert!(started.elapsed() < Duration::from_secs(300), "it waited for the name server");
}

#[test]
fn answers_are_limited() {
    let length = MAX_BODY + 1;
    let mut big = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    big.resize(big.len() + length as usize, b'x');
    let (port, _) = serve(vec![big]);
    let granted = format!("127.0.0.1:{port}");
    check(&[&granted], get(&format!("http://{granted}/")), Err((ExitCode::Limit, "more than 16 MiB")));

    // Cut in the middle: never half an answer.
    let (port, _) = serve(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()]);
    let granted = format!("127.0.0.1:{port}");
    check(&[&granted], get(&format!("http://{granted}/")), Err((ExitCode::Network, "failed")));
    check(&[&granted], get(&format!("http://{granted}/")), Err((ExitCode::Network, "failed")));

    let mut spent = network(&[&granted]);
    spent.requests_left = 0;
    let error = spent.send(get(&format!("http://{granted}/")), soon()).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Limit);
}

/// Requests and bytes are counted over a whole run, redirects and what is sent included.
#[test]
fn a_run_is_limited_as_a_whole() {
    let (port, _) = serve(vec![redirect(307, "/"), answer("200 OK", "four"), answer("200 OK", "more")]);
    let granted = format!("127.0.0.1:{port}");
    let url = format!("http://{granted}/");
    let mut network = network(&[&granted]);
    network.requests_left = 4;
    network.traffic_left = 20;
    let sent = Request { method: "POST".to_owned(), body: "12345".into(), ..get(&url) };
    assert_eq!(network.send(sent, soon()).unwrap().body, b"four");
    assert_eq!((network.requests_left, network.traffic_left), (2, 20 - 2 * 5 - 4));
    network.traffic_left = 3;
    let error = network.send(get(&url), soon()).unwrap_err();
    assert!(error.exit_code() == ExitCode::Limit && error.to_string().contains("over the network"), "{error}");
}

#[test]
fn a_server_that_says_nothing_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let granted = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = network(&[&granted]).send(get(&format!("http://{granted}/")), deadline).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Limit, "{error}");
}

/// A server that speaks no TLS cannot prove who it is, and one that signed its certificate itself proves nothing.
#[test]
fn certificates_are_verified() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let granted = format!("localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let _ = stream.write_all(&answer("200 OK", "plain"));
    });
    check(&[&granted], get(&format!("https://{granted}/")), Err((ExitCode::Network, "failed")));

    let (certificate, key) =
        (include_bytes!("self-signed.der").to_vec(), include_bytes!("self-signed.key.der").to_vec());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], rustls::pki_types::PrivateKeyDer::Pkcs8(key.into()))
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let granted = format!("localhost:{}", listener.local_addr().unwrap().port());
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        let Ok((stream, _)) = listener.accept() else { return };
        let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let mut request = Vec::new();
        let _ = tls.read_to_end(&mut request);
        let _ = sender.send(request);
    });
    check(&[&granted], get(&format!("https://{granted}/")), Err((ExitCode::Network, "certificate")));
    assert!(received.recv().unwrap().is_empty(), "it sent its request to a server that nobody vouches for");
}
