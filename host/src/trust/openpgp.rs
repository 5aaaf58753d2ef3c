//! OpenPGP as Helm uses it: clear-signed provenance files, checked against a keyring and made with a secret key.
//!
//! The cryptography is rPGP's. What is here is what a library leaves to its callers: which key of a certificate may
//! sign, whether it had expired or was revoked, and which hash a signature may use. The rules follow
//! `ProtonMail/go-crypto`, which is what Helm runs, so that a provenance that we accept is one that
//! `helm plugin verify` accepts.

use std::time::{Duration, SystemTime};

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, PublicOrSecret, SignedKeyDetails, SignedPublicKey, SignedPublicSubKey,
    SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails as _, KeyVersion, Password, SecretParams, SigningKey, Tag, Timestamp, VerifyingKey};

use crate::error::Error;

/// How far a signer's clock may run ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(600);

/// The public keys that signatures are checked against.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// Who made a signature that was found valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The certificate's fingerprint in upper-case hexadecimal.
    pub fingerprint: String,
    /// Its first user id, when it has one.
    pub user_id: Option<String>,
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user_id {
            Some(user_id) => write!(f, "{user_id} ({})", self.fingerprint),
            None => f.write_str(&self.fingerprint),
        }
    }
}

impl Keyring {
    /// Reads the public keys of a keyring in any of the forms that Helm 4.3 reads: binary packets (`gpg --export`), one
    /// or several armored blocks, GnuPG's keybox. Secret keys count with their public half.
    ///
    /// # Errors
    /// When the bytes are none of these, or hold no key.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let keys = read_keys(bytes)?
            .into_iter()
            .map(|key| match key {
                PublicOrSecret::Public(key) => key,
                PublicOrSecret::Secret(key) => key.to_public_key(),
            })
            .collect();
        Ok(Self { keys })
    }

    /// Adds another keyring's keys.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
    }

    /// Checks a clear-signed message and returns what it says (with `\n` line ends) and who signed it.
    ///
    /// # Errors
    /// When it is no clear-signed message, or no signature on it is a valid one by a key of this ring. The message
    /// tells an unknown key from an expired or revoked one and from a text that was changed.
    pub fn verify_clear_signed(&self, message: &str) -> Result<(String, Signer), Error> {
        // Helm's parser also skips what stands before the block; text outside it is not signed and never used.
        let start = message
            .find("-----BEGIN PGP SIGNED MESSAGE-----")
            .ok_or_else(|| Error::denied("the provenance is not an OpenPGP clear-signed message"))?;
        let (signed, _) = CleartextSignedMessage::from_string(message.get(start..).unwrap_or_default().trim_end())
            .map_err(|e| Error::denied(format!("the provenance is damaged: {}", said(&e))))?;
        let text = signed.signed_text();
        let mut reason = String::from("it has no signature");
        for signature in signed.signatures() {
            match self.verify_signature(signature, text.as_bytes()) {
                Ok(signer) => return Ok((text.replace("\r\n", "\n"), signer)),
                Err(why) => reason = why,
            }
        }
        Err(Error::denied(format!("the provenance's signature does not verify: {reason}")))
    }

    fn verify_signature(&self, signature: &Signature, text: &[u8]) -> Result<Signer, String> {
        let config = signature.config().ok_or("it has an unknown version")?;
        if !matches!(config.typ(), SignatureType::Text | SignatureType::Binary) {
            return Err("it is not a signature over a document".to_owned());
        }
        if !is_strong(config.hash_alg) {
            return Err(format!("it uses the broken hash {:?}", config.hash_alg));
        }
        let created = signature.created().map(SystemTime::from).ok_or("it has no creation time")?;
        let now = SystemTime::now();
        if created > now + CLOCK_SKEW {
            return Err("it was made in the future; is this machine's clock right?".to_owned());
        }
        if expires(created, signature.signature_expiration_time()).is_some_and(|end| end < now) {
            return Err("it has expired".to_owned());
        }
        let mut reason = format!("the key that made it{} is not in the keyring", issuer(signature));
        for certificate in &self.keys {
            let primary = &certificate.primary_key;
            if is_issued_by(signature, primary) {
                match usable_primary(certificate, created, now).and_then(|()| matches_text(signature, primary, text)) {
                    Ok(()) => return Ok(signer_of(certificate)),
                    Err(why) => reason = why,
                }
            }
            for subkey in &certificate.public_subkeys {
                if is_issued_by(signature, &subkey.key) {
                    match usable_subkey(certificate, subkey, created, now)
                        .and_then(|()| matches_text(signature, &subkey.key, text))
                    {
                        Ok(()) => return Ok(signer_of(certificate)),
                        Err(why) => reason = why,
                    }
                }
            }
        }
        Err(reason)
    }
}

fn matches_text(
    signature: &Signature,
    key: &(impl VerifyingKey + pgp::ser::Serialize),
    text: &[u8],
) -> Result<(), String> {
    signature.verify(key, text).map_err(|_| "the text is not the one that was signed".to_owned())
}

fn signer_of(certificate: &SignedPublicKey) -> Signer {
    Signer { fingerprint: fingerprint(&certificate.primary_key), user_id: first_user_id(&certificate.details) }
}

fn fingerprint(key: &impl pgp::types::KeyDetails) -> String {
    format!("{:X}", key.fingerprint())
}

fn first_user_id(details: &SignedKeyDetails) -> Option<String> {
    details.users.first().map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|print| format!(" ({print:X})"));
    fingerprint.or_else(|| signature.issuer_key_id().first().map(|id| format!(" ({id})"))).unwrap_or_default()
}

fn is_issued_by(signature: &Signature, key: &impl pgp::types::KeyDetails) -> bool {
    let prints = signature.issuer_fingerprint();
    if !prints.is_empty() {
        return prints.iter().any(|print| **print == key.fingerprint());
    }
    signature.issuer_key_id().iter().any(|id| **id == key.legacy_key_id())
}

fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

fn expires(start: SystemTime, lifetime: Option<pgp::types::Duration>) -> Option<SystemTime> {
    let seconds = u64::from(lifetime?.as_secs());
    (seconds > 0).then(|| start + Duration::from_secs(seconds))
}

/// The newest self-signature that verifies: it says what the primary key may be used for and how long it lives.
fn newest_self_signature(certificate: &SignedPublicKey) -> Option<&Signature> {
    let primary = &certificate.primary_key;
    let direct = certificate
        .details
        .direct_signatures
        .iter()
        .filter(|s| s.typ() == Some(SignatureType::Key) && s.verify_key(primary).is_ok());
    let users = certificate.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(move |s| {
            s.is_certification()
                && is_issued_by(s, primary)
                && s.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    direct.chain(users).max_by_key(|s| s.created())
}

fn check_primary(certificate: &SignedPublicKey, created: SystemTime, now: SystemTime) -> Result<&Signature, String> {
    let primary = &certificate.primary_key;
    if certificate.details.revocation_signatures.iter().any(|s| s.verify_key(primary).is_ok()) {
        return Err(format!("the key {} was revoked", fingerprint(primary)));
    }
    let binding = newest_self_signature(certificate)
        .ok_or_else(|| format!("the key {} carries no valid signature by itself", fingerprint(primary)))?;
    let born = SystemTime::from(primary.created_at());
    check_lifetime(&fingerprint(primary), born, binding, created, now)?;
    Ok(binding)
}

fn check_lifetime(
    name: &str,
    born: SystemTime,
    binding: &Signature,
    created: SystemTime,
    now: SystemTime,
) -> Result<(), String> {
    if created < born {
        return Err(format!("it is older than the key {name}"));
    }
    if expires(born, binding.key_expiration_time()).is_some_and(|end| end < now) {
        return Err(format!("the key {name} has expired"));
    }
    Ok(())
}

fn usable_primary(certificate: &SignedPublicKey, created: SystemTime, now: SystemTime) -> Result<(), String> {
    let binding = check_primary(certificate, created, now)?;
    // A certificate without key flags may do all that its algorithm can.
    if has_key_flags(binding) && !binding.key_flags().sign() {
        return Err(format!("the key {} is not meant for signing", fingerprint(&certificate.primary_key)));
    }
    Ok(())
}

fn usable_subkey(
    certificate: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    created: SystemTime,
    now: SystemTime,
) -> Result<(), String> {
    check_primary(certificate, created, now)?;
    let primary = &certificate.primary_key;
    let name = fingerprint(&subkey.key);
    let valid = |s: &&Signature| s.verify_subkey_binding(primary, &subkey.key).is_ok();
    if subkey.signatures.iter().filter(|s| s.typ() == Some(SignatureType::SubkeyRevocation)).any(|s| valid(&s)) {
        return Err(format!("the key {name} was revoked"));
    }
    let binding = subkey
        .signatures
        .iter()
        .filter(|s| s.typ() == Some(SignatureType::SubkeyBinding))
        .filter(valid)
        .max_by_key(|s| s.created())
        .ok_or_else(|| format!("the key {name} is not bound to its certificate"))?;
    check_lifetime(&name, SystemTime::from(subkey.key.created_at()), binding, created, now)?;
    if !binding.key_flags().sign() {
        return Err(format!("the key {name} is not meant for signing"));
    }
    // Without the subkey's own consent anybody could adopt it and claim its signatures.
    let consents =
        binding.embedded_signature().is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok());
    if consents { Ok(()) } else { Err(format!("the key {name} does not name its certificate")) }
}

fn has_key_flags(signature: &Signature) -> bool {
    signature
        .config()
        .is_some_and(|config| config.hashed_subpackets().any(|p| matches!(p.data, SubpacketData::KeyFlags(_))))
}

/// A secret key that can sign provenance.
pub struct SecretKey {
    key: SignedSecretKey,
    password: Password,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("fingerprint", &fingerprint(&self.key.primary_key)).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Picks the secret key to sign with from a keyring's bytes (binary or armored, `gpg --export-secret-keys`).
    ///
    /// `id` is a user id, a part of one, a key id or a fingerprint; without it the ring must hold one secret key.
    /// `passphrase` is asked for only when the key is encrypted.
    ///
    /// # Errors
    /// When there is no such key, more than one, or its passphrase is wrong.
    pub fn read(
        bytes: &[u8],
        id: Option<&str>,
        passphrase: impl FnOnce() -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        let mut candidates: Vec<SignedSecretKey> = read_keys(bytes)?
            .into_iter()
            .filter_map(|key| match key {
                PublicOrSecret::Secret(key) => Some(key),
                PublicOrSecret::Public(_) => None,
            })
            .filter(|key| id.is_none_or(|id| is_named(key, id)))
            .collect();
        let key = match (candidates.pop(), candidates.len()) {
            (Some(key), 0) => key,
            (Some(_), _) => {
                return Err(Error::usage("more than one secret key fits")
                    .hint("name it by its fingerprint: `gpg --list-secret-keys`"));
            }
            (None, _) => {
                let wanted = id.map(|id| format!(" for `{id}`")).unwrap_or_default();
                return Err(Error::usage(format!("the keyring has no secret key{wanted}"))
                    .hint("export it with `gpg --export-secret-keys KEY > secret.gpg`; GnuPG 2.1 and later keep secret keys out of keyrings"));
            }
        };
        let is_encrypted = matches!(key.primary_key.secret_params(), SecretParams::Encrypted(_));
        let password = match if is_encrypted { passphrase()? } else { None } {
            Some(passphrase) => Password::from(passphrase),
            None if is_encrypted => {
                return Err(Error::usage("the secret key is protected by a passphrase")
                    .hint("give it with `--passphrase-file FILE`, or `-` for stdin"));
            }
            None => Password::empty(),
        };
        let unlocked = key.primary_key.unlock(&password, |_, _| Ok(()));
        if !matches!(unlocked, Ok(Ok(()))) {
            return Err(Error::usage("the passphrase does not open the secret key"));
        }
        Ok(Self { key, password })
    }

    /// The public half, to check what was signed.
    #[must_use]
    pub fn public(&self) -> Keyring {
        Keyring { keys: vec![self.key.to_public_key()] }
    }

    /// Clear-signs a text with SHA-512, as Helm does.
    ///
    /// The signature says when it was made: two signatures over the same text differ.
    ///
    /// # Errors
    /// When neither the primary key nor one of its subkeys may sign.
    pub fn clear_sign(&self, text: &str) -> Result<String, Error> {
        let public = self.key.to_public_key();
        let now = SystemTime::now();
        let signed = if usable_primary(&public, now, now).is_ok() {
            self.sign_with(&self.key.primary_key, text)
        } else {
            let subkey = self
                .key
                .secret_subkeys
                .iter()
                .find(|subkey| usable_subkey(&public, &subkey.signed_public_key(), now, now).is_ok())
                .ok_or_else(|| Error::usage("the secret key may not sign, or has expired"))?;
            self.sign_with(&subkey.key, text)
        };
        signed.map_err(|e| Error::usage(format!("cannot sign: {e}")))
    }

    fn sign_with(&self, key: &impl SigningKey, text: &str) -> pgp::errors::Result<String> {
        let mut config = SignatureConfig::from_key(rand::rngs::OsRng, key, SignatureType::Text)?;
        config.hash_alg = HashAlgorithm::Sha512;
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now()))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        ];
        if key.version() <= KeyVersion::V4 {
            config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
        }
        CleartextSignedMessage::new(text, config, key, &self.password)?.to_armored_string(ArmorOptions::default())
    }
}

fn is_named(key: &SignedSecretKey, id: &str) -> bool {
    let print = fingerprint(&key.primary_key);
    let bare = id.trim_start_matches("0x");
    let by_number =
        bare.len() >= 8 && bare.chars().all(|c| c.is_ascii_hexdigit()) && print.ends_with(&bare.to_ascii_uppercase());
    by_number || key.details.users.iter().any(|user| String::from_utf8_lossy(user.id.id()).contains(id))
}

/// What rPGP says went wrong, in a line. Behind a parenthesis its errors may hold the whole input, byte by byte.
fn said(error: &pgp::errors::Error) -> String {
    let text = error.to_string();
    let end = text.find(['(', '[', '{', '\n']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim().chars().take(200).collect()
}

fn read_keys(bytes: &[u8]) -> Result<Vec<PublicOrSecret>, Error> {
    let unreadable = |why: String| {
        Error::usage(format!("cannot read the keyring: {why}")).hint("make one with `gpg --export KEY > ring.gpg`")
    };
    let mut keys = Vec::new();
    let mut add = |part: &[u8]| -> Result<(), Error> {
        let (found, _) = PublicOrSecret::from_reader_many(part).map_err(|e| unreadable(said(&e)))?;
        // A ring may hold keys that rPGP does not know (GnuPG's own smart card stubs, new algorithms); the others
        // count.
        keys.extend(found.filter_map(Result::ok));
        Ok(())
    };
    if let Some(blocks) = keybox_blocks(bytes) {
        for block in blocks {
            add(&without_trust_packets(block))?;
        }
    } else if bytes.first().is_some_and(|first| first & 0x80 == 0) {
        // rPGP, like Go's library, reads one armored block; people concatenate exports.
        let text = std::str::from_utf8(bytes).map_err(|_| unreadable("it is neither binary nor armored".to_owned()))?;
        for block in text.split_inclusive("KEY BLOCK-----").collect::<Vec<_>>().chunks(2) {
            let block = block.concat();
            if let Some(start) = block.find("-----BEGIN PGP ") {
                add(block.get(start..).unwrap_or_default().as_bytes())?;
            }
        }
    } else {
        add(&without_trust_packets(bytes))?;
    }
    if keys.is_empty() { Err(unreadable("it holds no key".to_owned())) } else { Ok(keys) }
}

/// A key without GnuPG's private trust packets (tag 12), which stand between a key's parts and would end it for rPGP.
/// What cannot be walked through stays as it is.
fn without_trust_packets(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((tag, length)) = packet(rest).filter(|(_, length)| *length <= rest.len()) {
        let (packet, next) = rest.split_at(length);
        if tag != 12 {
            kept.extend_from_slice(packet);
        }
        rest = next;
    }
    kept.extend_from_slice(rest);
    kept
}

/// The tag and whole length of the first packet (RFC 9580, 4.2); nothing for partial and indeterminate lengths.
fn packet(bytes: &[u8]) -> Option<(u8, usize)> {
    let at = |index: usize| bytes.get(index).copied().map(usize::from);
    let first = bytes.first().copied().filter(|first| first & 0x80 != 0)?;
    let number =
        |start: usize, width: usize| (start..start + width).try_fold(0_usize, |sum, index| Some(sum << 8 | at(index)?));
    let (tag, header, body) = if first & 0x40 == 0 {
        let width = match first & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => return None,
        };
        (first >> 2 & 0xf, 1 + width, number(1, width)?)
    } else {
        match at(1)? {
            short @ 0..192 => (first & 0x3f, 2, short),
            middle @ 192..224 => (first & 0x3f, 3, ((middle - 192) << 8) + at(2)? + 192),
            255 => (first & 0x3f, 6, number(2, 4)?),
            _ => return None,
        }
    };
    Some((tag, header.checked_add(body)?))
}

/// The OpenPGP blocks in a GnuPG keybox (`pubring.kbx`), or nothing when it is none.
///
/// The format is GnuPG's `kbx/keybox-blob.c`: blobs that begin with their length (u32, big-endian) and kind (1 header,
/// 2 OpenPGP, 3 X.509); an OpenPGP blob holds the key's offset and length at bytes 8 and 12.
fn keybox_blocks(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    if bytes.get(8..12)? != b"KBXf" {
        return None;
    }
    let number = |blob: &[u8], at: usize| -> Option<usize> {
        let bytes: [u8; 4] = blob.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while let Some(length) = number(rest, 0).filter(|length| *length >= 5 && *length <= rest.len()) {
        let (blob, next) = rest.split_at(length);
        if blob.get(4) == Some(&2)
            && let (Some(offset), Some(size)) = (number(blob, 8), number(blob, 12))
            && let Some(block) = offset.checked_add(size).and_then(|end| blob.get(offset..end))
        {
            blocks.push(block);
        }
        rest = next;
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgp::composed::{KeyType, SecretKeyParamsBuilder};
    use pgp::ser::Serialize as _;

    fn key(user: &str) -> SignedSecretKey {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(true).primary_user_id(user.to_owned());
        parameters.build().unwrap().generate(rand::rngs::OsRng).unwrap()
    }

    fn secret(key: &SignedSecretKey) -> SecretKey {
        SecretKey::read(&key.to_bytes().unwrap(), None, || Ok(None)).unwrap()
    }

    #[test]
    fn what_was_signed_verifies_and_what_was_changed_does_not() {
        let (ann, bob) = (key("Ann <ann@example>"), key("Bob <bob@example>"));
        let signed = secret(&ann).clear_sign("a: 1\n- dashed\n...\nfiles:\n").unwrap();
        let public = ann.to_public_key();
        let armored = public.to_armored_string(ArmorOptions::default()).unwrap();
        let two = format!("{}{armored}", bob.to_public_key().to_armored_string(ArmorOptions::default()).unwrap());
        for ring in
            [public.to_bytes().unwrap(), armored.clone().into_bytes(), two.into_bytes(), ann.to_bytes().unwrap()]
        {
            let (text, signer) = Keyring::read(&ring).unwrap().verify_clear_signed(&signed).unwrap();
            assert_eq!(text.trim_end(), "a: 1\n- dashed\n...\nfiles:");
            assert_eq!(signer.user_id.as_deref(), Some("Ann <ann@example>"));
        }
        let ring = Keyring::read(&public.to_bytes().unwrap()).unwrap();
        let check = |message: &str, expected: &str| {
            let error = ring.verify_clear_signed(message).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&signed.replace("a: 1", "a: 2"), "not the one that was signed");
        check("nothing", "not an OpenPGP clear-signed message");
        check(&signed.replace("-----BEGIN PGP SIGNATURE-----", "-----BEGIN"), "");
        let by_bob = secret(&bob).clear_sign("a: 1").unwrap();
        check(&by_bob, "is not in the keyring");
        // Text before and after the block is not part of what was signed.
        let (text, _) = ring.verify_clear_signed(&format!("evil: true\n{signed}")).unwrap();
        assert!(!text.contains("evil"));
    }

    #[test]
    fn trust_packets_are_taken_out() {
        let bytes = key("Ann").to_public_key().to_bytes().unwrap();
        let (_, first) = packet(&bytes).unwrap();
        let mut with_trust = bytes[..first].to_vec();
        with_trust.extend([0xb0, 2, 0, 3]);
        with_trust.extend(&bytes[first..]);
        assert_eq!(without_trust_packets(&with_trust), bytes);
        for length in 0..bytes.len() {
            assert_eq!(without_trust_packets(&bytes[..length]), &bytes[..length]);
        }
    }

    /// A real `pubring.kbx`, as `gpg --import` leaves it (tests/keys/README.md says how it was made), holds the keys of
    /// the ring beside it; a damaged one is an error or holds fewer, and never anything else.
    #[test]
    fn a_keybox_of_gnupg_is_read() {
        let prints = |bytes: &[u8]| -> Result<Vec<String>, Error> {
            Ok(Keyring::read(bytes)?.keys.iter().map(|key| fingerprint(&key.primary_key)).collect())
        };
        let (keybox, ring) =
            (include_bytes!("../../../tests/keys/public.kbx"), include_bytes!("../../../tests/keys/public.gpg"));
        let whole = prints(keybox).unwrap();
        assert_eq!(whole.len(), 2);
        assert_eq!(whole.first(), prints(ring).unwrap().first());
        for length in 0..keybox.len() {
            let found = prints(&keybox[..length]).unwrap_or_default();
            assert!(found.len() < 2 && found.iter().all(|print| whole.contains(print)), "cut at {length}");
        }
        for place in 0..keybox.len() {
            let mut damaged = keybox.to_vec();
            damaged[place] ^= 0xff;
            let _ = prints(&damaged);
        }
    }

    #[test]
    fn the_key_that_is_meant_is_found() {
        let (ann, bob) = (key("Ann <ann@example>"), key("Bob <bob@example>"));
        let mut ring = ann.to_bytes().unwrap();
        ring.extend(bob.to_bytes().unwrap());
        let find = |id: Option<&str>| {
            SecretKey::read(&ring, id, || Ok(None)).map(|key| first_user_id(&key.key.details).unwrap_or_default())
        };
        assert_eq!(find(Some("bob@")).unwrap(), "Bob <bob@example>");
        assert_eq!(find(Some(&fingerprint(&ann.primary_key))).unwrap(), "Ann <ann@example>");
        assert!(find(None).is_err() && find(Some("example")).is_err() && find(Some("carol")).is_err());
        assert!(SecretKey::read(&ann.to_public_key().to_bytes().unwrap(), None, || Ok(None)).is_err());
    }
}
