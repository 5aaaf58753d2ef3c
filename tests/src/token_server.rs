//! A token server as registries send their clients to (Docker's token authentication), for CNCF Distribution to
//! believe: it signs what it gives out, after a look at who asks.

use crate::http::{self, Answer, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

const ISSUER: &str = "windlass-tests";
const SERVICE: &str = "registry";
const KEY_ID: &str = "1";

/// The server; it serves until the process ends.
pub struct TokenServer {
    address: String,
    jwks: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    /// Starts a server that lets anybody pull below `public/`, and `ann` with this password (or with it as a refresh
    /// token) pull and push everywhere. The file with its public key goes into `folder`.
    ///
    /// # Panics
    /// There is no free port, or the file cannot be written.
    #[must_use]
    pub fn start(folder: &Path, password: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("the same key");
        // An uncompressed point: the byte 4, then both coordinates.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let key = json!({"kty": "EC", "crv": "P-256", "kid": KEY_ID, "use": "sig", "alg": "ES256",
            "x": BASE64URL.encode(x), "y": BASE64URL.encode(y)});
        let jwks = folder.join("jwks.json");
        std::fs::write(&jwks, json!({ "keys": [key] }).to_string()).expect("the key's file");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let address = http::serve(move |request, _| {
            log.lock().ok()?.push(format!("{} {}", request.method, request.target));
            Some(answer(request, password, &pair))
        });
        Self { address, jwks, asked }
    }

    /// The settings of a Distribution that believes this server.
    #[must_use]
    pub fn settings(&self) -> String {
        let jwks = serde_json::Value::from(self.jwks.display().to_string());
        let realm = format!("http://{}/token", self.address);
        format!("auth: {{token: {{realm: \"{realm}\", service: {SERVICE}, issuer: {ISSUER}, jwks: {jwks}}}}}\n")
    }

    /// The requests so far: method and target.
    ///
    /// # Panics
    /// A thread of the server panicked.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no thread panics with the lock").clone()
    }
}

fn answer(request: &Request, password: &str, key: &EcdsaKeyPair) -> Answer {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let query = request.target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let pairs = if request.method == "POST" { body } else { query };
    let all = |name: &str| -> Vec<String> {
        let pairs = pairs.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).collect()
    };
    let shown = match request.header("authorization") {
        Some(basic) => Some(basic.strip_prefix("Basic ").and_then(|text| BASE64.decode(text).ok()).unwrap_or_default()),
        None if request.method == "POST" => {
            Some(format!("ann:{}", all("refresh_token").first().cloned().unwrap_or_default()).into_bytes())
        }
        None => None,
    };
    let is_ann = shown.as_deref() == Some(format!("ann:{password}").as_bytes());
    if shown.is_some() && !is_ann {
        return Answer::new(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}"#);
    }
    if all("service") != [SERVICE] {
        return Answer::new(400, "");
    }
    let mut access = Vec::new();
    for scope in all("scope") {
        let [kind, name, actions] = scope.splitn(3, ':').collect::<Vec<_>>()[..] else { return Answer::new(400, "") };
        let granted: Vec<&str> =
            actions.split(',').filter(|action| is_ann || (*action == "pull" && name.starts_with("public/"))).collect();
        access.push(json!({"type": kind, "name": name, "actions": granted}));
    }
    let token = token(key, &Value::from(access), if is_ann { "ann" } else { "" });
    Answer::new(200, json!({ "token": token, "expires_in": 300 }).to_string())
        .header("Content-Type", "application/json")
}

/// A JSON Web Token (RFC 7519), signed with ES256.
fn token(key: &EcdsaKeyPair, access: &Value, subject: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let claims = json!({"iss": ISSUER, "sub": subject, "aud": SERVICE, "iat": now, "nbf": now - 10, "exp": now + 300,
        "jti": now.to_string(), "access": access});
    let head = json!({"typ": "JWT", "alg": "ES256", "kid": KEY_ID});
    let text = format!("{}.{}", BASE64URL.encode(head.to_string()), BASE64URL.encode(claims.to_string()));
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
    format!("{text}.{}", BASE64URL.encode(signature.as_ref()))
}

/// A value of a query without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
