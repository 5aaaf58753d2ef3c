//! A front with TLS for servers that speak plain HTTP, with the certificate of the tests (`tests/keys/tls`).

use crate::http;
use crate::shipping::key;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The front; it serves until the process ends.
pub struct Front {
    address: String,
    shown: Arc<Mutex<Vec<bool>>>,
}

impl Front {
    /// Passes each connection's only request on to the server at `behind`.
    ///
    /// # Panics
    /// There is no free port, or a certificate cannot be used.
    #[must_use]
    pub fn before(behind: &str) -> Self {
        let read = |name: &str| -> Vec<CertificateDer<'static>> {
            let certificates = CertificateDer::pem_file_iter(key(name)).expect("certificates");
            certificates.collect::<Result<_, _>>().expect("certificates")
        };
        let private = PrivateKeyDer::from_pem_file(key("tls/server.key")).expect("the server's key");
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(read("tls/ca.pem"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let clients = clients.allow_unauthenticated().build().expect("an authority");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_client_cert_verifier(clients)
            .with_single_cert(read("tls/server.pem"), private)
            .expect("a certificate and its key");
        let (config, shown) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (behind, log) = (behind.to_owned(), Arc::clone(&shown));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (config, behind, log) = (Arc::clone(&config), behind.clone(), Arc::clone(&log));
                std::thread::spawn(move || pass_on(connection, config, &behind, &log));
            }
        });
        Self { address, shown }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Of each request so far, whether it came with a client certificate.
    ///
    /// # Panics
    /// A thread of the server panicked.
    #[must_use]
    pub fn certificates_shown(&self) -> Vec<bool> {
        self.shown.lock().expect("no thread panics with the lock").clone()
    }
}

fn pass_on(connection: TcpStream, config: Arc<ServerConfig>, behind: &str, log: &Mutex<Vec<bool>>) -> Option<()> {
    let tls = StreamOwned::new(ServerConnection::new(config).ok()?, connection);
    let mut reader = BufReader::new(tls);
    let mut request = http::read_request(&mut reader)?;
    let tls = reader.get_mut();
    log.lock().ok()?.push(tls.conn.peer_certificates().is_some());
    // What registries behind a proxy are told, for them to give their own addresses.
    request.headers.push(("X-Forwarded-Proto".to_owned(), "https".to_owned()));
    let answer = http::exchange(behind, &request, None).ok()?;
    // A client that gives up breaks the connection; that is its right.
    tls.write_all(answer.head(Some(answer.body.len() as u64)).as_bytes()).ok()?;
    if request.method != "HEAD" {
        tls.write_all(&answer.body).ok()?;
    }
    tls.conn.send_close_notify();
    tls.flush().ok()
}
