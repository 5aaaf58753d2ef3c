//! Digests of images, asked of their registries over [`crate::http`]. The plugin needs a grant for each registry, and
//! for the token server that a registry sends it to (for Docker Hub: `registry-1.docker.io` and `auth.docker.io`). It
//! has no login, so the token server gets the repository's name, and nothing else.

use std::fmt;

use sha2::{Digest as _, Sha256};
use windlass_abi::challenge::{TOKEN_MEMBERS, challenges};
use windlass_manifest::Value;

use crate::error::Error;
use crate::http::{Request, Response};

/// Indexes before manifests: an image for several platforms keeps being one.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// An image as Kubernetes reads it: without a registry it is on Docker Hub, without a tag it is `latest`.
///
/// ```
/// use windlass_pdk::oci::Image;
///
/// let image = Image::parse("nginx:1.27").unwrap();
/// assert_eq!((image.registry(), image.repository(), image.tag()), ("docker.io", "library/nginx", "1.27"));
/// assert!(Image::parse("ghcr.io/Upper/case").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Image {
    /// Reads a reference.
    ///
    /// # Errors
    /// What no container runtime would take, as one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no image: {why}");
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong("what follows `@` is no digest"));
        }
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("what follows `:` is no tag"));
        }
        // The first part is a registry when it could not be the name of a user.
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => ("docker.io", name),
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        // It becomes a part of URLs, where other characters would make it another host or path.
        if !registry.bytes().all(is_host) {
            return Err(wrong("its registry is no host"));
        }
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let is_official = registry == "docker.io" && !path.contains('/');
        let repository = if is_official { format!("library/{path}") } else { path.to_owned() };
        if !repository.split('/').all(is_path_part) {
            return Err(wrong(
                "the name has parts that are empty or have other characters than a-z, 0-9, `.`, `_` and `-`",
            ));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// The registry as people write it, for example `docker.io` or `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in it, for example `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where none is written.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The digest, where one is written.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Asks the registry which digest the tag has now. `scheme` is `https`, or `http` for a registry without TLS.
    ///
    /// # Errors
    /// The registry knows no such image, asks for a login, or answers something that is no digest.
    pub fn resolve(&self, scheme: &str) -> Result<String, Error> {
        let mut token = None;
        let answer = self.ask("HEAD", scheme, &mut token)?;
        match answer.status {
            200 => {
                if let Some(digest) = digest_of_head(&answer) {
                    return Ok(digest.to_owned());
                }
            }
            // A front-end that knows no HEAD; the manifest itself is there all the same.
            405 | 501 => {}
            _ => return Err(self.refused(&answer)),
        }
        let answer = self.ask("GET", scheme, &mut token)?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        let digest = sha256(&answer.body);
        match digest_of_head(&answer) {
            Some(said) if said.starts_with("sha256:") && said != digest => {
                Err(self.failed(&format!("the registry says {said} and sends {digest}")))
            }
            Some(said) => Ok(said.to_owned()),
            None if answer.body.is_empty() => Err(self.failed("the registry says neither its digest nor its manifest")),
            None => Ok(digest),
        }
    }

    /// Asks for the manifest, with a token where the registry wants one; `token` is the one that it took before.
    fn ask(&self, method: &str, scheme: &str, token: &mut Option<String>) -> Result<Response, Error> {
        let host = if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry };
        let url = format!("{scheme}://{host}/v2/{}/manifests/{}", self.repository, self.tag());
        let send = |token: Option<&str>| {
            let request = Request::new(method, &url).header("accept", ACCEPTED);
            match token {
                Some(token) => request.header("authorization", &format!("Bearer {token}")),
                None => request,
            }
            .send()
        };
        let answer = send(token.as_deref())?;
        if answer.status != 401 || token.is_some() {
            return Ok(answer);
        }
        send(Some(token.insert(self.token(&answer, scheme)?)))
    }

    fn refused(&self, answer: &Response) -> Error {
        match answer.status {
            401 | 403 => self.failed("the registry does not show it without a login"),
            404 => self.failed("the registry has no such image"),
            429 => self.failed("the registry answers no more requests for now (429)"),
            status => self.failed(&format!("the registry answers with status {status}")),
        }
    }

    /// An anonymous token from where the registry's challenge points to.
    fn token(&self, challenge: &Response, scheme: &str) -> Result<String, Error> {
        let offered: Vec<_> = challenge.header_values("www-authenticate").flat_map(challenges).collect();
        let mut bearers = offered.iter().filter(|challenge| challenge.is("Bearer")).peekable();
        if bearers.peek().is_none() {
            return Err(self.failed("the registry asks for a login"));
        }
        let (challenge, realm) = bearers
            .find_map(|challenge| Some((challenge, challenge.parameter("realm")?)))
            .ok_or_else(|| self.failed("the registry does not say where tokens are"))?;
        // Who hands out the token decides what the registry lets us see: not someone on the way.
        if scheme == "https" && !realm.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
            return Err(self.failed("the registry has TLS, and its token server has none"));
        }
        let scope = format!("repository:{}:pull", self.repository);
        let mut url = format!("{realm}{}scope={scope}", if realm.contains('?') { '&' } else { '?' });
        if let Some(service) = challenge.parameter("service") {
            url.push_str("&service=");
            percent_encode(service, &mut url);
        }
        let answer = Request::new("GET", &url).send()?;
        if answer.status != 200 {
            return Err(self.failed(&format!("the token server answers with status {}", answer.status)));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let Ok(Value::Map(entries)) = Value::from_yaml(&text) else {
            return Err(self.failed("the token server's answer cannot be read"));
        };
        let member =
            |name: &str| entries.iter().find(|(key, _)| key == name)?.1.as_str().filter(|text| !text.is_empty());
        let token = TOKEN_MEMBERS.iter().find_map(|name| member(name));
        token.map(str::to_owned).ok_or_else(|| self.failed("the token server gives no token"))
    }

    fn failed(&self, why: &str) -> Error {
        Error::new(format!("cannot resolve {self}: {why}"))
    }
}

impl fmt::Display for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}:{}", self.registry, self.repository, self.tag())
    }
}

/// `sha256:` or `sha512:` and as many lower-case hexadecimal digits as that has.
fn is_digest(text: &str) -> bool {
    let digits = match text.split_once(':') {
        Some(("sha256", digits)) if digits.len() == 64 => digits,
        Some(("sha512", digits)) if digits.len() == 128 => digits,
        _ => return false,
    };
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_tag(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= 128 && !text.starts_with(['.', '-']) && text.bytes().all(is_inner)
}

fn is_path_part(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-'))
        && part.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// What an answer's head says the manifest's digest is.
fn digest_of_head(answer: &Response) -> Option<&str> {
    answer.header("docker-content-digest").filter(|digest| is_digest(digest))
}

fn sha256(bytes: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        digest.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default()));
    }
    digest
}

fn percent_encode(text: &str, url: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(byte.into());
        } else {
            url.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::answer_http;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// `expected` is `registry repository tag digest`, or a part of the error.
    #[track_caller]
    fn check_parse(text: &str, expected: Result<&str, &str>) {
        let shown = |image: Image| {
            format!("{} {} {} {}", image.registry(), image.repository(), image.tag(), image.digest().unwrap_or("-"))
        };
        match (Image::parse(text).map(shown), expected) {
            (Ok(actual), Ok(wanted)) => assert_eq!(actual, wanted),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error:?}"),
            (actual, expected) => panic!("{text:?} gave {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn references() {
        check_parse("nginx", Ok("docker.io library/nginx latest -"));
        check_parse("index.docker.io/grafana/loki:3", Ok("docker.io grafana/loki 3 -"));
        check_parse("localhost:5000/a/b", Ok("localhost:5000 a/b latest -"));
        check_parse("localhost/a", Ok("localhost a latest -"));
        check_parse(&format!("ghcr.io/a/b:1@{DIGEST}"), Ok(&format!("ghcr.io a/b 1 {DIGEST}")));
        check_parse("", Err("the name has parts"));
        check_parse("a//b", Err("the name has parts"));
        check_parse("ghcr.io/../b", Err("the name has parts"));
        for host in ["ghcr.io?x", "ghcr.io#x", "gh%63r.io", "ghcr.io\\x", "ghcr.io "] {
            check_parse(&format!("{host}/a/b:1"), Err("no host"));
        }
        check_parse("a:", Err("no tag"));
        check_parse("a:b c", Err("no tag"));
        check_parse("a@sha256:0", Err("no digest"));
        check_parse("${IMAGE}", Err("the name has parts"));
    }

    #[track_caller]
    fn check_resolve(
        answers: &'static [(&'static str, u16, &'static str, &'static str)],
        expected: Result<&str, &str>,
    ) {
        let mut answers = answers.iter();
        answer_http(move |request| {
            let (asked, status, header, value) = answers.next().expect("one more request than answers");
            assert_eq!(format!("{} {}", request.method, request.url), *asked);
            let body = if *header == "body" { value.as_bytes().to_vec() } else { Vec::new() };
            let headers = value.split('\n').map(|value| ((*header).to_owned(), value.to_owned())).collect();
            Response { status: *status, headers, body }
        });
        let resolved = Image::parse("ghcr.io/a/b:1").unwrap().resolve("https").map_err(|error| error.to_string());
        match (&resolved, expected) {
            (Ok(digest), Ok(wanted)) => assert_eq!(digest, wanted),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error:?}"),
            _ => panic!("{resolved:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn registries_are_asked_with_a_token_where_they_want_one() {
        const ASK: &str = "HEAD https://ghcr.io/v2/a/b/manifests/1";
        const TOKEN: &str = "GET https://ghcr.io/token?scope=repository:a/b:pull&service=ghcr%20io";
        const CHALLENGE: &str = "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr io\",scope=\"x\"";
        check_resolve(&[(ASK, 200, "Docker-Content-Digest", DIGEST)], Ok(DIGEST));
        check_resolve(
            &[
                (ASK, 401, "www-authenticate", CHALLENGE),
                (TOKEN, 200, "body", "{\"expires_in\": 300, \"token\": \"t\"}"),
                (ASK, 200, "docker-content-digest", DIGEST),
            ],
            Ok(DIGEST),
        );
        check_resolve(
            &[(ASK, 401, "www-authenticate", CHALLENGE), (TOKEN, 200, "body", "<html>")],
            Err("cannot resolve ghcr.io/a/b:1: the token server"),
        );
        check_resolve(&[(ASK, 401, "www-authenticate", CHALLENGE), (TOKEN, 500, "body", "")], Err("status 500"));
        check_resolve(&[(ASK, 401, "www-authenticate", "Basic realm=\"x\"")], Err("asks for a login"));
        check_resolve(&[(ASK, 401, "www-authenticate", "Bearer service=x")], Err("does not say where tokens are"));
        check_resolve(&[(ASK, 401, "www-authenticate", "Bearer realm=http://ghcr.io/token")], Err("has none"));
        check_resolve(&[(ASK, 404, "x", "")], Err("no such image"));
        check_resolve(&[(ASK, 503, "x", "")], Err("status 503"));
    }

    /// Several challenges, in one header or in several lines of it, in any letter case: the one that can be met is
    /// taken.
    #[test]
    fn the_challenge_that_can_be_met_is_taken() {
        const ASK: &str = "HEAD https://ghcr.io/v2/a/b/manifests/1";
        const TOKEN: &str = "GET https://ghcr.io/token?scope=repository:a/b:pull";
        const ANSWER: (&str, u16, &str, &str) = (TOKEN, 200, "body", "{\"token\": \"\", \"access_token\": \"t\"}");
        const FOUND: (&str, u16, &str, &str) = (ASK, 200, "docker-content-digest", DIGEST);
        const BASIC_FIRST: &str = "Basic realm=\"x\"\nBearer realm=\"https://ghcr.io/token\"";
        const ONE_HEADER: &str = "Negotiate YWJj==, BASIC realm=\"x\", bEaReR Realm=\"https://ghcr.io/token\"";
        const BROKEN_FIRST: &str = "Bearer service=\"x\", Bearer realm=\"https://ghcr.io/token\"";
        check_resolve(&[(ASK, 401, "WWW-Authenticate", BASIC_FIRST), ANSWER, FOUND], Ok(DIGEST));
        check_resolve(&[(ASK, 401, "www-authenticate", ONE_HEADER), ANSWER, FOUND], Ok(DIGEST));
        check_resolve(&[(ASK, 401, "www-authenticate", BROKEN_FIRST), ANSWER, FOUND], Ok(DIGEST));
        const NO_TOKEN: (&str, u16, &str, &str) = (TOKEN, 200, "body", "{\"token\": \"\"}");
        check_resolve(&[(ASK, 401, "www-authenticate", ONE_HEADER), NO_TOKEN], Err("gives no token"));
    }

    #[test]
    fn a_head_that_says_nothing_is_followed_by_a_get() {
        const HEAD: &str = "HEAD https://ghcr.io/v2/a/b/manifests/1";
        const GET: &str = "GET https://ghcr.io/v2/a/b/manifests/1";
        const MANIFEST: &str = "{\"schemaVersion\":2}";
        const OF_MANIFEST: &str = "sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f";
        check_resolve(&[(HEAD, 200, "x", ""), (GET, 200, "body", MANIFEST)], Ok(OF_MANIFEST));
        check_resolve(&[(HEAD, 405, "x", ""), (GET, 200, "body", MANIFEST)], Ok(OF_MANIFEST));
        check_resolve(&[(HEAD, 501, "x", ""), (GET, 404, "x", "")], Err("no such image"));
        check_resolve(
            &[(HEAD, 200, "docker-content-digest", "sha256:zz"), (GET, 200, "body", MANIFEST)],
            Ok(OF_MANIFEST),
        );
        check_resolve(&[(HEAD, 405, "x", ""), (GET, 200, "docker-content-digest", DIGEST)], Ok(DIGEST));
        check_resolve(&[(HEAD, 405, "x", ""), (GET, 200, "x", "")], Err("neither its digest nor its manifest"));
        const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        check_resolve(
            &[(HEAD, 405, "x", ""), (GET, 200, "docker-content-digest", OTHER)],
            Err("and sends sha256:e3b0"),
        );
        // The token that the HEAD was asked with is good for the GET.
        const TOKEN: &str = "GET https://ghcr.io/token?scope=repository:a/b:pull";
        check_resolve(
            &[
                (HEAD, 401, "www-authenticate", "Bearer realm=https://ghcr.io/token"),
                (TOKEN, 200, "body", "{\"token\": \"t\"}"),
                (HEAD, 405, "x", ""),
                (GET, 200, "body", MANIFEST),
            ],
            Ok(OF_MANIFEST),
        );
    }
}
