//! Signatures that cosign makes with a key (`cosign sign --key`), in the forms that its current versions write and
//! read:
//!
//! - a *bundle* (cosign 3, and 2.4 with `--new-bundle-format`): a DSSE envelope around an in-toto statement about the
//!   manifest's digest, attached to the manifest as a referrer;
//! - a *simple signing* payload (cosign 1 and 2): a JSON text about the manifest's digest, with the signature in an
//!   annotation of its layer, in a manifest that is tagged `sha256-HEX.sig` or attached as a referrer.
//!
//! Only signatures by a key that the policy names count. Certificates (keyless signing) and transparency logs are not
//! looked at: with a known key they add nothing to the question whether its owner signed.
//!
//! The cryptography is ring's. `sigstore`, the obvious library, verifies through a second TLS stack's crypto (aws-lc or
//! OpenSSL) and brings some 200 crates with it for what is one call here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Serialize};
use spki::der::Document;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::digest::Digest;
use crate::error::Error;

/// The artifact and layer type of a bundle; the version at the end grows, the fields used here stay.
pub(crate) const BUNDLE_TYPE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// The layer type of a simple signing payload.
pub(crate) const SIMPLE_SIGNING_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The artifact type of a simple signing manifest that is attached as a referrer.
pub(crate) const SIMPLE_SIGNING_ARTIFACT_TYPE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// The annotation of a simple signing layer that holds the signature, in base64.
pub(crate) const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";

const IN_TOTO_TYPE: &str = "application/vnd.in-toto+json";
const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
const SIMPLE_SIGNING_KIND: &str = "cosign container image signature";

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key that cosign signatures are checked with.
#[derive(Clone)]
pub struct CosignKey {
    algorithms: Vec<&'static dyn VerificationAlgorithm>,
    key: Vec<u8>,
    fingerprint: Digest,
}

impl std::fmt::Debug for CosignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CosignKey").field(&self.fingerprint.to_string()).finish()
    }
}

impl CosignKey {
    /// Reads `cosign.pub`: a PEM public key, ECDSA on P-256 or P-384, RSA, or Ed25519.
    ///
    /// # Errors
    /// When it is something else (exit 2).
    pub fn read(pem: &str) -> Result<Self, Error> {
        let wrong = |why: String| {
            Error::usage(format!("not a cosign public key: {why}"))
                .hint("give the `cosign.pub` that `cosign generate-key-pair` wrote")
        };
        let (label, document) = Document::from_pem(pem.trim()).map_err(|e| wrong(e.to_string()))?;
        if label != "PUBLIC KEY" {
            return Err(wrong(format!("it is a {}", label.to_lowercase())));
        }
        let info = SubjectPublicKeyInfoRef::try_from(document.as_bytes()).map_err(|e| wrong(e.to_string()))?;
        let curve = info.algorithm.parameters_oid().ok();
        // cosign hashes with SHA-256 whatever the curve; other Sigstore tools take the curve's own hash.
        let algorithms: Vec<&'static dyn VerificationAlgorithm> = match (info.algorithm.oid, curve) {
            (EC_PUBLIC_KEY, Some(P256)) => vec![&signature::ECDSA_P256_SHA256_ASN1],
            (EC_PUBLIC_KEY, Some(P384)) => vec![&signature::ECDSA_P384_SHA384_ASN1, &signature::ECDSA_P384_SHA256_ASN1],
            (RSA, _) => vec![&signature::RSA_PKCS1_2048_8192_SHA256, &signature::RSA_PSS_2048_8192_SHA256],
            (ED25519, _) => vec![&signature::ED25519],
            (other, _) => return Err(wrong(format!("its algorithm {other} is not known"))),
        };
        let key = info.subject_public_key.as_bytes().ok_or_else(|| wrong("its bits are not bytes".to_owned()))?;
        Ok(Self { algorithms, key: key.to_vec(), fingerprint: Digest::of(document.as_bytes()) })
    }

    /// The digest of the key, to name it by.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.algorithms
            .iter()
            .any(|algorithm| UnparsedPublicKey::new(*algorithm, &self.key).verify(message, signature).is_ok())
    }
}

/// A signature as it was found beside a manifest; nothing in it is believed before [`CosignSignature::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CosignSignature {
    /// A simple signing payload and the signature over it, both in base64.
    Simple {
        /// The payload.
        payload: String,
        /// The signature.
        signature: String,
    },
    /// A bundle's JSON text.
    Bundle(String),
}

impl CosignSignature {
    /// Checks that `key` signed the manifest with this digest.
    ///
    /// # Errors
    /// Why it is not so.
    pub fn verify(&self, key: &CosignKey, manifest: &Digest) -> Result<(), String> {
        match self {
            Self::Simple { payload, signature } => verify_simple(&decode(payload)?, &decode(signature)?, key, manifest),
            Self::Bundle(text) => verify_bundle(text, key, manifest),
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(text.trim()).map_err(|_| "it is not base64".to_owned())
}

#[derive(Deserialize)]
struct SimplePayload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

fn verify_simple(payload: &[u8], signature: &[u8], key: &CosignKey, manifest: &Digest) -> Result<(), String> {
    // The signature first: what is not signed is not parsed.
    if !key.verifies(payload, signature) {
        return Err("it was not made with this key".to_owned());
    }
    let payload: SimplePayload =
        serde_json::from_slice(payload).map_err(|e| format!("its payload cannot be read: {e}"))?;
    if payload.critical.kind != SIMPLE_SIGNING_KIND {
        return Err("it signs something that is not an artifact".to_owned());
    }
    if payload.critical.image.digest == manifest.to_string() {
        Ok(())
    } else {
        Err("it signs another manifest".to_owned())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: std::collections::BTreeMap<String, String>,
}

fn verify_bundle(text: &str, key: &CosignKey, manifest: &Digest) -> Result<(), String> {
    let bundle: Bundle = serde_json::from_str(text).map_err(|e| format!("it cannot be read: {e}"))?;
    let envelope = bundle.dsse_envelope.ok_or("it holds no statement")?;
    let payload = decode(&envelope.payload)?;
    // Pre-authentication encoding (DSSE v1).
    let mut message =
        format!("DSSEv1 {} {} {} ", envelope.payload_type.len(), envelope.payload_type, payload.len()).into_bytes();
    message.extend_from_slice(&payload);
    let is_signed =
        envelope.signatures.iter().any(|s| decode(&s.sig).is_ok_and(|signature| key.verifies(&message, &signature)));
    if !is_signed {
        return Err("it was not made with this key".to_owned());
    }
    if envelope.payload_type != IN_TOTO_TYPE {
        return Err("it signs something that is not a statement".to_owned());
    }
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|e| format!("its statement cannot be read: {e}"))?;
    // The same key may have signed other statements about the manifest: a list of what is in it, a scan that found a
    // hole.
    if statement.predicate_type != SIGN_PREDICATE {
        return Err("its statement is not a signature".to_owned());
    }
    let hex = manifest.hex();
    let names = statement.subject.iter().any(|subject| subject.digest.get("sha256") == Some(&hex));
    if names { Ok(()) } else { Err("it signs another manifest".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    /// A key, and its public half as `cosign generate-key-pair` writes it.
    fn key_pair() -> (EcdsaKeyPair, String) {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        // SubjectPublicKeyInfo of a P-256 point: a fixed head, then the point.
        let mut info = BASE64.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
        info.extend_from_slice(pair.public_key().as_ref());
        (pair, format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", wrapped(&BASE64.encode(info))))
    }

    fn wrapped(text: &str) -> String {
        let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        lines.join("\n")
    }

    fn sign(pair: &EcdsaKeyPair, message: &[u8]) -> String {
        BASE64.encode(pair.sign(&SystemRandom::new(), message).unwrap())
    }

    fn bundle(pair: &EcdsaKeyPair, kind: &str, predicate: &str, digest: &Digest) -> CosignSignature {
        let statement = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"{predicate}","predicate":{{}},"subject":[{{"digest":{{"sha256":"{}"}}}}]}}"#,
            digest.hex()
        );
        let message = format!("DSSEv1 {} {kind} {} {statement}", kind.len(), statement.len());
        let (payload, sig) = (BASE64.encode(&statement), sign(pair, message.as_bytes()));
        CosignSignature::Bundle(format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"x"}}}},"dsseEnvelope":{{"payload":"{payload}","payloadType":"{kind}","signatures":[{{"sig":"{sig}"}}]}}}}"#
        ))
    }

    #[track_caller]
    fn check(signature: &CosignSignature, key: &CosignKey, digest: &Digest, expected: Result<(), &str>) {
        assert_eq!(signature.verify(key, digest).as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e));
    }

    /// A signature that cosign itself made; from the tests of sigstore-rs (Apache-2.0).
    #[test]
    fn a_signature_by_cosign_itself_verifies() {
        let key = CosignKey::read(
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENptdY/l3nB0yqkXLBWkZWQwo6+cu\nOSWS1X9vPavpiQOoTTGC0xX57OojUadxF1cdQmrsiReWg2Wn4FneJfa8xw==\n-----END PUBLIC KEY-----",
        )
        .unwrap();
        let payload = r#"{"critical":{"identity":{"docker-reference":"registry-testing.svc.lan/busybox"},"image":{"docker-manifest-digest":"sha256:f3cfc9d0dbf931d3db4685ec659b7ac68e2a578219da4aae65427886e649b06b"},"type":"cosign container image signature"},"optional":null}"#;
        let signature =
            "MEUCIQD6q/COgzOyW0YH1Dk+CCYSt4uAhm3FDHUwvPI55zwnlwIgE0ZK58ZOWpZw8YVmBapJhBqCfdPekIknimuO0xH8Jh8=";
        let simple = |payload: &str| CosignSignature::Simple {
            payload: BASE64.encode(payload),
            signature: signature.to_owned(),
        };
        let digest = "sha256:f3cfc9d0dbf931d3db4685ec659b7ac68e2a578219da4aae65427886e649b06b".parse().unwrap();
        check(&simple(payload), &key, &digest, Ok(()));
        check(&simple(payload), &key, &Digest::of(b"other"), Err("it signs another manifest"));
        check(&simple(&payload.replace("busybox", "busybux")), &key, &digest, Err("it was not made with this key"));
        let (_, other) = key_pair();
        check(&simple(payload), &CosignKey::read(&other).unwrap(), &digest, Err("it was not made with this key"));
    }

    #[test]
    fn bundles_verify_and_statements_that_are_no_signatures_do_not() {
        let (pair, pem) = key_pair();
        let key = CosignKey::read(&pem).unwrap();
        let digest = Digest::of(b"manifest");
        check(&bundle(&pair, IN_TOTO_TYPE, SIGN_PREDICATE, &digest), &key, &digest, Ok(()));
        check(
            &bundle(&pair, IN_TOTO_TYPE, SIGN_PREDICATE, &digest),
            &key,
            &Digest::of(b"x"),
            Err("it signs another manifest"),
        );
        check(
            &bundle(&pair, IN_TOTO_TYPE, "https://slsa.dev/provenance/v1", &digest),
            &key,
            &digest,
            Err("its statement is not a signature"),
        );
        check(
            &bundle(&pair, "text/plain", SIGN_PREDICATE, &digest),
            &key,
            &digest,
            Err("it signs something that is not a statement"),
        );
        let CosignSignature::Bundle(text) = bundle(&pair, IN_TOTO_TYPE, SIGN_PREDICATE, &digest) else {
            unreachable!()
        };
        let retyped = CosignSignature::Bundle(
            text.replace(r#""payloadType":"application/vnd.in-toto+json""#, r#""payloadType":"application/json""#),
        );
        check(&retyped, &key, &digest, Err("it was not made with this key"));
        check(&CosignSignature::Bundle("{}".to_owned()), &key, &digest, Err("it holds no statement"));
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let (_, pem) = key_pair();
        for wrong in ["", "x", &pem.replace("PUBLIC", "PRIVATE"), &pem.replace("MFkw", "MFkx")] {
            assert!(CosignKey::read(wrong).is_err(), "{wrong}");
        }
    }
}
