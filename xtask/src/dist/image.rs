//! A container image from scratch: the static program, the plugins where `windlass run NAME` finds them, and Mozilla's
//! root certificates, which a registry's TLS is judged by. It is written as an OCI layout (image-spec 1.1), one image
//! for each processor whose musl archive is there.

use super::archive::{self, Archive, gzip};
use super::{archives, hex, time, version, write};
use crate::command::{During, Failure, Result};
use crate::say;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;

/// The layout's folder in the folder of the release.
pub(super) const LAYOUT: &str = "image";

/// Nobody's account, the number that distroless images made usual.
const USER: u64 = 65532;

/// Writes the layout, and the same as one archive.
pub(super) fn make(out: &Path) -> Result<()> {
    say::step("the container image");
    let layout = out.join(LAYOUT);
    if layout.is_dir() {
        std::fs::remove_dir_all(&layout).during("cannot clear the last image")?;
    }
    std::fs::create_dir_all(layout.join("blobs/sha256")).during(format_args!("cannot make {}", layout.display()))?;
    let mut manifests = Vec::new();
    for (target, path) in archives(out)?.into_iter().filter(|(target, _)| target.ends_with("-linux-musl")) {
        manifests.push(image(&layout, &target, &path)?);
    }
    if manifests.is_empty() {
        return Err(Failure::new("there is no archive of a static Linux program")
            .hint("run `cargo xtask dist archive --target x86_64-unknown-linux-musl` first"));
    }
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests, "annotations": annotations(),
    });
    let mut descriptor = blob(&layout, "application/vnd.oci.image.index.v1+json", &bytes(&index)?)?;
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": version() });
    let top = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [descriptor],
    });
    write(&layout.join("index.json"), &bytes(&top)?)?;
    write(&layout.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    as_one_file(out, &layout)
}

/// The layout as one file, for `podman load`, `skopeo copy oci-archive:` and a release page.
fn as_one_file(out: &Path, layout: &Path) -> Result<()> {
    let mut archive = Archive::new();
    for file in ["oci-layout", "index.json"] {
        archive.file(file, 0o644, &super::read(&layout.join(file))?)?;
    }
    for path in super::files(&layout.join("blobs/sha256"))? {
        archive.file(&format!("blobs/sha256/{}", super::file_name(&path)), 0o644, &super::read(&path)?)?;
    }
    write(&out.join(format!("windlass-{}-image.oci.tar", version())), &archive.bytes()?)
}

/// One processor's image; its descriptor.
fn image(layout: &Path, target: &str, release: &Path) -> Result<Value> {
    let layer = layer(release)?;
    let compressed = blob(layout, "application/vnd.oci.image.layer.v1.tar+gzip", &gzip(&layer)?)?;
    let architecture = if target.starts_with("aarch64") { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": architecture, "os": "linux", "created": created(),
        "config": {
            "User": format!("{USER}:{USER}"), "WorkingDir": "/work", "Entrypoint": ["/usr/bin/windlass"],
            "Env": [
                "PATH=/usr/bin", "HOME=/home/windlass",
                "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
            ],
            "Labels": annotations(),
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex(&layer))] },
        "history": [{ "created": created(), "created_by": "cargo xtask dist image" }],
    });
    let config = blob(layout, "application/vnd.oci.image.config.v1+json", &bytes(&config)?)?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": [compressed], "annotations": annotations(),
    });
    let mut descriptor = blob(layout, "application/vnd.oci.image.manifest.v1+json", &bytes(&manifest)?)?;
    descriptor["platform"] = json!({ "architecture": architecture, "os": "linux" });
    Ok(descriptor)
}

/// The only layer, not compressed.
fn layer(release: &Path) -> Result<Vec<u8>> {
    let mut layer = Archive::new();
    for (folder, mode, owner) in [
        ("etc/", 0o755, 0),
        ("etc/ssl/", 0o755, 0),
        ("etc/ssl/certs/", 0o755, 0),
        ("home/", 0o755, 0),
        ("home/windlass/", 0o700, USER),
        ("tmp/", 0o1777, 0),
        ("usr/", 0o755, 0),
        ("usr/bin/", 0o755, 0),
        ("usr/share/", 0o755, 0),
        ("usr/share/windlass/", 0o755, 0),
        ("usr/share/windlass/plugins/", 0o755, 0),
        ("work/", 0o755, USER),
    ] {
        layer.folder(folder, mode, owner)?;
    }
    layer.file("etc/ssl/certs/ca-certificates.crt", 0o644, certificates().as_bytes())?;
    let mut last = String::new();
    for (path, mode, bytes) in archive::contents(release)? {
        if path == "windlass" {
            layer.file("usr/bin/windlass", mode, &bytes)?;
        } else if let Some(("plugins", inside)) = path.split_once('/') {
            let name = inside.split('/').next().unwrap_or_default();
            if name != last {
                layer.folder(&format!("usr/share/windlass/plugins/{name}/"), 0o755, 0)?;
                name.clone_into(&mut last);
            }
            layer.file(&format!("usr/share/windlass/plugins/{inside}"), mode, &bytes)?;
        } else if path == "LICENSE" {
            layer.file("usr/share/windlass/LICENSE", mode, &bytes)?;
        }
    }
    layer.bytes()
}

/// Mozilla's root certificates as PEM.
fn certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate);
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

fn annotations() -> Value {
    json!({
        "org.opencontainers.image.title": "windlass",
        "org.opencontainers.image.description": "Runs Helm post-renderers as WebAssembly plugins in a sandbox",
        "org.opencontainers.image.version": version(),
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://github.com/windlass-dev/windlass",
        "org.opencontainers.image.created": created(),
    })
}

/// The time of the release as RFC 3339 has it.
fn created() -> String {
    let seconds = time();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1970 to a date, counted in years that begin in March (Howard Hinnant's `civil_from_days`).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).during("cannot write JSON")
}

/// Writes a blob; its descriptor.
fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Result<Value> {
    let digest = hex(bytes);
    write(&layout.join("blobs/sha256").join(&digest), bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len() }))
}
