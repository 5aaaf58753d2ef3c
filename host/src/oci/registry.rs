//! A registry's API (OCI distribution 1.1) as plain calls: manifests, blobs, tags, referrers.
//!
//! The calls block; an asynchronous runtime lives inside a [`Registry`] and ends with it, so that nothing else in the
//! program is asynchronous and a run of a plugin that is on disk never starts one.

use std::time::{Duration, Instant};

use oci_client::manifest::{ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OciDescriptor, OciImageIndex};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};

use super::artifact::{Blob, MANIFEST_TYPES, Manifest, reason};
use super::credentials::Credential;
use super::http::{Access, Address, ClientOptions, Http, Request, RequestFailure, accept};
use super::progress::Progress;
use crate::digest::Digest;
use crate::env;
use crate::error::Error;
use crate::limits::table::MAX_MANIFEST_BYTES;
use crate::text::shown_value;

/// Larger blobs are sent in pieces from the start; smaller ones when the registry asks for it (413).
const CHUNKED_FROM: usize = 16 << 20;
/// The size of a piece, unless the registry asks for larger ones.
const CHUNK: usize = 4 << 20;
/// What one look at the referrers of a manifest may take, the lists' pages and the manifests that are fetched together.
/// Honest lists have some ten entries, and a few hundred where every build signs anew.
const MAX_REFERRERS: usize = 10_000;
/// Bytes of all pages of a list: what 10,000 entries with annotations have, and what the host may hold of it.
const MAX_REFERRER_BYTES: u64 = 16 << 20;
/// What a page counts as at least, as pages may be short, or empty, and many.
const LEAST_PAGE: usize = 50;
/// Time for the whole look.
const REFERRER_TIME: Duration = Duration::from_secs(120);
/// How often a list of referrers in a tag is written again when somebody else wrote it at the same time.
const REFERRER_ROUNDS: usize = 5;

/// What a registry said a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The manifest's digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
}

/// One line of a list of referrers, without what nobody needs of it. The list is not signed: what an entry says is
/// looked up in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    /// The manifest's digest.
    pub(crate) digest: Digest,
    /// What the list says that it has of bytes.
    pub(crate) size: u64,
    /// What the list says that it is; empty where it says nothing.
    pub(crate) artifact_type: String,
}

/// What one look at the referrers of a manifest may still take of entries, bytes and time.
pub(crate) struct Look {
    entries_left: usize,
    bytes_left: u64,
    until: Instant,
}

impl Look {
    /// The whole allowance, from now on.
    pub(crate) fn new() -> Self {
        Self { entries_left: MAX_REFERRERS, bytes_left: MAX_REFERRER_BYTES, until: Instant::now() + REFERRER_TIME }
    }

    /// Gives the rest of the allowance the whole time anew, for the next manifest.
    pub(crate) fn restart(&mut self) {
        self.until = Instant::now() + REFERRER_TIME;
    }

    fn charge(&mut self, registry: &str, entries: usize, bytes: usize) -> Result<(), Error> {
        let over = |what: String| {
            Error::limit(format!("{registry} lists more than {what} for one manifest"))
                .hint("somebody attaches without end, or the registry makes it up; name the plugin by its digest")
        };
        self.entries_left =
            self.entries_left.checked_sub(entries).ok_or_else(|| over(format!("{MAX_REFERRERS} referrers")))?;
        self.bytes_left = self
            .bytes_left
            .checked_sub(bytes as u64)
            .ok_or_else(|| over(format!("{} MiB of referrers", MAX_REFERRER_BYTES >> 20)))?;
        Ok(())
    }

    /// Takes the entries of a list's page.
    fn take(&mut self, registry: &Registry, page: &[u8], found: &mut Vec<Referrer>) -> Result<(), Error> {
        #[derive(serde::Deserialize)]
        struct Page {
            manifests: Vec<Entry>,
        }
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry {
            digest: String,
            size: i64,
            artifact_type: Option<String>,
        }
        self.charge(registry.name(), 0, page.len())?;
        let page: Page = serde_json::from_slice(page)
            .map_err(|e| registry.http.broken(format!("a list of referrers that cannot be read: {}", reason(&e))))?;
        self.charge(registry.name(), page.manifests.len().max(LEAST_PAGE), 0)?;
        // Whoever may write to the repository may attach nonsense; it must not hide the rest.
        found.extend(page.manifests.into_iter().filter_map(|entry| {
            let (digest, size) = (entry.digest.parse().ok()?, u64::try_from(entry.size).ok()?);
            Some(Referrer { digest, size, artifact_type: entry.artifact_type.unwrap_or_default() })
        }));
        Ok(())
    }

    /// Takes a manifest that is kept besides those of the list.
    pub(crate) fn take_manifest(&mut self, registry: &Registry, manifest: &Manifest) -> Result<(), Error> {
        self.charge(registry.name(), 1, manifest.bytes.len())
    }

    /// Waits for an answer no longer than the look may take.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout_at(self.until.into(), answer).await.unwrap_or_else(|_| {
            Err(Error::limit(format!(
                "looking at what is attached to one manifest took longer than {} s",
                REFERRER_TIME.as_secs()
            )))
        })
    }
}

/// A registry to speak to.
pub struct Registry {
    http: Http,
    runtime: tokio::runtime::Runtime,
    progress: Progress,
}

impl Registry {
    /// Prepares to speak to the registry at `HOST[:PORT]`; nothing is sent yet.
    ///
    /// # Errors
    /// When a certificate file cannot be used (exit 2).
    pub fn new(registry: &str, options: &ClientOptions, progress: Progress) -> Result<Self, Error> {
        Self::with_credential(registry, options, progress, None)
    }

    /// [`Registry::new`] with a credential that is not in any file yet.
    ///
    /// # Errors
    /// As [`Registry::new`].
    pub fn with_credential(
        registry: &str,
        options: &ClientOptions,
        progress: Progress,
        credential: Option<Credential>,
    ) -> Result<Self, Error> {
        if env::OFFLINE.is_on() {
            return Err(Error::network(format!("WINDLASS_OFFLINE is set, so {registry} is not contacted"))
                .hint("fetch what is needed with `windlass pull` where the network is, or use an OCI layout"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::usage(format!("cannot start network I/O: {e}")))?;
        Ok(Self { http: Http::new(registry, options, credential)?, runtime, progress })
    }

    /// `HOST[:PORT]`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.http.registry()
    }

    /// Asks the registry whether it lets us in.
    ///
    /// # Errors
    /// When it cannot be reached or refuses (exit 5).
    pub fn ping(&self) -> Result<(), Error> {
        let request = self.request(Method::GET, "", "", Access::Pull)?;
        self.runtime.block_on(self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            if answer.status().is_success() {
                Ok(())
            } else {
                Err(self.http.status_error(answer, "the login").await.into())
            }
        }))
    }

    /// What a tag or digest stands for, without its content; nothing when the registry has no such manifest.
    ///
    /// # Errors
    /// When the registry cannot be reached, refuses, or answers wrongly (exit 5).
    pub fn resolve(&self, repository: &str, reference: &str) -> Result<Option<Resolved>, Error> {
        let request = self.manifest_request(Method::HEAD, repository, reference, Access::Pull)?;
        let found = self.runtime.block_on(self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            match answer.status() {
                StatusCode::OK => Ok(Some((digest_header(answer.headers()), media_type(answer.headers())))),
                StatusCode::NOT_FOUND => Ok(None),
                _ => Err(self.http.status_error(answer, &format!("a look at {repository}")).await.into()),
            }
        }))?;
        match found {
            None => Ok(None),
            Some((Some(digest), Some(media_type))) => Ok(Some(Resolved { digest, media_type })),
            // A registry need not say the digest: then the content does.
            Some(_) => {
                let manifest = self.manifest(repository, reference)?;
                Ok(Some(Resolved { digest: manifest.digest, media_type: manifest.media_type }))
            }
        }
    }

    /// A manifest by tag or digest.
    ///
    /// # Errors
    /// When it does not exist, is too large, or is not what its digest says (exit 5, or 3 for a wrong digest).
    pub fn manifest(&self, repository: &str, reference: &str) -> Result<Manifest, Error> {
        self.find_manifest(repository, reference)?.ok_or_else(|| {
            Error::network(format!(
                "{} has no {repository}{}{reference}",
                self.name(),
                if reference.contains(':') { "@" } else { ":" }
            ))
            .hint("check the name and the version; a private repository may also hide behind this")
        })
    }

    /// [`Registry::manifest`], or nothing when the registry has none.
    ///
    /// # Errors
    /// As [`Registry::manifest`], but for its absence.
    pub fn find_manifest(&self, repository: &str, reference: &str) -> Result<Option<Manifest>, Error> {
        self.runtime.block_on(self.fetch_manifest(repository, reference))
    }

    /// [`Registry::find_manifest`] of a referrer, as a part of a look at all of them.
    ///
    /// # Errors
    /// As [`Registry::find_manifest`], or when the look is over (exit 4).
    pub(crate) fn find_referrer(
        &self,
        repository: &str,
        digest: &Digest,
        look: &mut Look,
    ) -> Result<Option<Manifest>, Error> {
        let found = self.runtime.block_on(look.in_time(self.fetch_manifest(repository, &digest.to_string())))?;
        if let Some(manifest) = &found {
            look.charge(self.name(), 0, manifest.bytes.len())?;
        }
        Ok(found)
    }

    async fn fetch_manifest(&self, repository: &str, reference: &str) -> Result<Option<Manifest>, Error> {
        let request = self.manifest_request(Method::GET, repository, reference, Access::Pull)?;
        let wanted = reference.parse::<Digest>().ok();
        let fetched = self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => return Ok(None),
                _ => return Err(self.http.status_error(answer, &format!("a request for {repository}")).await.into()),
            }
            let said = digest_header(answer.headers());
            let media_type = media_type(answer.headers()).unwrap_or_default();
            if !MANIFEST_TYPES.contains(&media_type.as_str()) {
                return Err(self.http.broken(format!("a manifest of the type `{}`", shown_value(&media_type))).into());
            }
            let bytes = self.http.read_body(answer, MAX_MANIFEST_BYTES, None).await?;
            let named = wanted.or(said);
            if let Some(named) = named {
                named.check(&bytes).map_err(|found| wrong_digest(named, found))?;
            }
            let digest = named.unwrap_or_else(|| Digest::of(&bytes));
            Ok(Some(Manifest { bytes, digest, media_type }))
        });
        fetched.await
    }

    /// A blob's content, of exactly the size and digest asked for. A broken transfer goes on where it broke when the
    /// registry can do that.
    ///
    /// # Errors
    /// When it cannot be had whole and right (exit 5, or 3 for a wrong digest).
    pub(crate) fn blob(&self, repository: &str, blob: &Blob, what: &str) -> Result<Vec<u8>, Error> {
        let bar = self.progress.start(what, blob.size);
        let request =
            self.request(Method::GET, &format!("{repository}/blobs/{}", blob.digest), repository, Access::Pull)?;
        let mut received: Vec<u8> = Vec::new();
        let content = self.runtime.block_on(self.http.with_retries(async || {
            let mut request = request.clone();
            if !received.is_empty() {
                request.headers.insert(RANGE, header(&format!("bytes={}-", received.len()))?);
            }
            let answer = self.http.send(&request).await?;
            match answer.status() {
                StatusCode::OK => received.clear(),
                StatusCode::PARTIAL_CONTENT if starts_at(answer.headers(), received.len()) => {}
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                    received.clear();
                    return Err(retry(self.http.broken("it resumed a transfer at another place")));
                }
                _ => {
                    return Err(self
                        .http
                        .status_error(answer, &format!("a request for a blob of {repository}"))
                        .await
                        .into());
                }
            }
            bar.set(received.len() as u64);
            self.http.read_body_into(answer, blob.size, &mut received, Some(&|bytes| bar.add(bytes))).await?;
            if (received.len() as u64) < blob.size {
                return Err(retry(self.http.broken(format!(
                    "{} of {} bytes of {}",
                    received.len(),
                    blob.size,
                    blob.digest
                ))));
            }
            let content = std::mem::take(&mut received);
            blob.digest.check(&content).map_err(|found| wrong_digest(blob.digest, found))?;
            Ok(content)
        }))?;
        bar.finish();
        Ok(content)
    }

    /// Whether the registry has this blob in this repository.
    fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Error> {
        // Asked with push rights, as the upload that follows: two tokens would be one round trip too many.
        let request = self.request(Method::HEAD, &format!("{repository}/blobs/{digest}"), repository, Access::Push)?;
        self.runtime.block_on(self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            match answer.status() {
                status if status.is_success() => Ok(true),
                StatusCode::NOT_FOUND => Ok(false),
                _ => Err(self.http.status_error(answer, &format!("a look at a blob of {repository}")).await.into()),
            }
        }))
    }

    /// Sends a blob unless the registry has it: in this repository, or in `elsewhere`, another repository of the same
    /// registry, from where the registry is asked to take it. Returns whether it was sent.
    ///
    /// # Errors
    /// When the registry cannot be reached or does not take it (exit 5).
    pub fn push_blob(
        &self,
        repository: &str,
        digest: &Digest,
        bytes: &[u8],
        what: &str,
        elsewhere: Option<&str>,
    ) -> Result<bool, Error> {
        if self.has_blob(repository, digest)? {
            return Ok(false);
        }
        if let Some(elsewhere) = elsewhere.filter(|elsewhere| *elsewhere != repository)
            && self.mount_blob(repository, digest, elsewhere)?
        {
            return Ok(false);
        }
        let bar = self.progress.start(what, bytes.len() as u64);
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        let mut in_chunks = bytes.len() >= CHUNKED_FROM;
        self.runtime.block_on(self.http.with_retries(async || {
            let (location, least) = self.begin_upload(repository).await?;
            if !in_chunks {
                match self.upload_whole(repository, &location, digest, bytes.clone()).await {
                    Err(UploadFailure::TooLarge) => in_chunks = true,
                    Err(UploadFailure::Other(failure)) => return Err(failure),
                    Ok(()) => return Ok(()),
                }
                let (location, least) = self.begin_upload(repository).await?;
                return self.upload_chunks(repository, location, digest, &bytes, least, &|sent| bar.set(sent)).await;
            }
            self.upload_chunks(repository, location, digest, &bytes, least, &|sent| bar.set(sent)).await
        }))?;
        bar.finish();
        Ok(true)
    }

    /// Asks the registry to take a blob over from another repository. Returns whether it did; one that cannot, or does
    /// not let us see that repository, gets the blob from us.
    fn mount_blob(&self, repository: &str, digest: &Digest, elsewhere: &str) -> Result<bool, Error> {
        let mut request =
            self.request(Method::POST, &format!("{repository}/blobs/uploads/"), repository, Access::Push)?;
        request.address = request.address.with_query(&[("mount", &digest.to_string()), ("from", elsewhere)]);
        self.runtime.block_on(self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            Ok(answer.status() == StatusCode::CREATED)
        }))
    }

    /// Opens an upload; returns where to send the blob and the least size of a piece.
    async fn begin_upload(&self, repository: &str) -> Result<(Address, usize), RequestFailure> {
        let request = self.request(Method::POST, &format!("{repository}/blobs/uploads/"), repository, Access::Push)?;
        let answer = self.http.send(&request).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Err(self.http.status_error(answer, &format!("a push to {repository}")).await.into());
        }
        let least = answer
            .headers()
            .get("oci-chunk-min-length")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        Ok((self.http.location(&answer, UPLOAD)?, least.unwrap_or(0)))
    }

    fn upload_request(&self, method: Method, repository: &str, address: Address, body: bytes::Bytes) -> Request {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        Request { method, address, headers, body: Some(body), repository: repository.to_owned(), access: Access::Push }
    }

    async fn upload_whole(
        &self,
        repository: &str,
        location: &Address,
        digest: &Digest,
        bytes: bytes::Bytes,
    ) -> Result<(), UploadFailure> {
        let location = location.clone().with_query(&[("digest", &digest.to_string())]);
        let answer = self
            .http
            .send(&self.upload_request(Method::PUT, repository, location, bytes))
            .await
            .map_err(UploadFailure::Other)?;
        match answer.status() {
            StatusCode::CREATED => Ok(()),
            StatusCode::PAYLOAD_TOO_LARGE => Err(UploadFailure::TooLarge),
            _ => Err(UploadFailure::Other(self.upload_error(answer, repository).await)),
        }
    }

    /// A registry forgets uploads (restarts, clean-up): beginning again is worth a try.
    async fn upload_error(&self, answer: reqwest::Response, repository: &str) -> RequestFailure {
        let is_forgotten = answer.status() == StatusCode::NOT_FOUND;
        let error = self.http.status_error(answer, &format!("a push to {repository}")).await;
        if is_forgotten { retry(error) } else { error.into() }
    }

    async fn upload_chunks(
        &self,
        repository: &str,
        mut location: Address,
        digest: &Digest,
        bytes: &bytes::Bytes,
        least: usize,
        progress: &dyn Fn(u64),
    ) -> Result<(), RequestFailure> {
        // The registry's wish is a number like any other that it says.
        let piece = CHUNK.max(least).min(bytes.len());
        let mut sent = 0_usize;
        let mut resumes = 0;
        while sent < bytes.len() {
            let end = sent.saturating_add(piece).min(bytes.len());
            let mut request = self.upload_request(Method::PATCH, repository, location.clone(), bytes.slice(sent..end));
            request.headers.insert(CONTENT_RANGE, header(&format!("{sent}-{}", end - 1))?);
            match self.http.send(&request).await {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                    location = self.http.location(&answer, UPLOAD)?;
                    sent = end;
                }
                Ok(answer) if answer.status() != StatusCode::RANGE_NOT_SATISFIABLE => {
                    return Err(self.upload_error(answer, repository).await);
                }
                Err(RequestFailure::Final(error)) => return Err(error.into()),
                Ok(_) | Err(_) if resumes >= 3 => return Err(retry(self.http.broken("it lost an upload"))),
                Ok(_) | Err(_) => {
                    // The registry knows how much of the broken piece arrived.
                    resumes += 1;
                    (location, sent) = self.upload_state(repository, &location, bytes.len()).await?;
                }
            }
            progress(sent as u64);
        }
        self.upload_whole(repository, &location, digest, bytes::Bytes::new()).await.map_err(|failure| match failure {
            UploadFailure::TooLarge => RequestFailure::Final(self.http.broken("an empty request is too large for it")),
            UploadFailure::Other(failure) => failure,
        })
    }

    async fn upload_state(
        &self,
        repository: &str,
        location: &Address,
        length: usize,
    ) -> Result<(Address, usize), RequestFailure> {
        let mut request = self.upload_request(Method::GET, repository, location.clone(), bytes::Bytes::new());
        request.body = None;
        let answer = self.http.send(&request).await?;
        if answer.status() != StatusCode::NO_CONTENT {
            return Err(self.upload_error(answer, repository).await);
        }
        let range =
            answer.headers().get(RANGE).and_then(|value| value.to_str().ok()).and_then(|text| text.rsplit_once('-'));
        let sent = range.and_then(|(_, last)| last.parse::<usize>().ok()).map_or(0, |last| last.saturating_add(1));
        let has_moved = answer.headers().contains_key(reqwest::header::LOCATION);
        let location = if has_moved { self.http.location(&answer, UPLOAD)? } else { location.clone() };
        // A registry that has nothing answers `0-0`, as one that has one byte does; one byte sent twice is refused
        // by it, one byte left out is not found until the end.
        Ok((location, if sent <= 1 { 0 } else { sent.min(length) }))
    }

    /// Writes a manifest under a tag or its digest. Returns whether the registry will list it as a referrer by itself.
    ///
    /// # Errors
    /// When the registry cannot be reached or does not take it (exit 5).
    pub fn push_manifest(&self, repository: &str, reference: &str, manifest: &Manifest) -> Result<bool, Error> {
        let mut request = self.manifest_request(Method::PUT, repository, reference, Access::Push)?;
        request.headers.insert(CONTENT_TYPE, header(&manifest.media_type)?);
        request.body = Some(bytes::Bytes::copy_from_slice(&manifest.bytes));
        self.runtime.block_on(self.http.with_retries(async || {
            let answer = self.http.send(&request).await?;
            if answer.status() != StatusCode::CREATED {
                return Err(self
                    .http
                    .status_error(answer, &format!("the manifest pushed to {repository}"))
                    .await
                    .into());
            }
            if let Some(said) = digest_header(answer.headers()).filter(|said| *said != manifest.digest) {
                return Err(wrong_digest(manifest.digest, said));
            }
            Ok(answer.headers().contains_key("oci-subject"))
        }))
    }

    /// What the referrers of a manifest are, from the referrers API or, where there is none, from the fallback tag. The
    /// list may be long, and is somebody else's: `look` says how much of it may be read.
    ///
    /// # Errors
    /// When the registry cannot be reached or answers wrongly (exit 5), or the list has no end (exit 4).
    pub(crate) fn referrers(
        &self,
        repository: &str,
        subject: &Digest,
        look: &mut Look,
    ) -> Result<Vec<Referrer>, Error> {
        let mut request =
            self.request(Method::GET, &format!("{repository}/referrers/{subject}"), repository, Access::Pull)?;
        let (name, value) = accept(&[OCI_IMAGE_INDEX_MEDIA_TYPE])?;
        request.headers.insert(name, value);
        let mut found = Vec::new();
        loop {
            // Long lists come in pages, each of which names the next in a `Link` header.
            let page = self.runtime.block_on(look.in_time(self.http.with_retries(async || {
                let answer = self.http.send(&request).await?;
                match answer.status() {
                    StatusCode::OK if media_type(answer.headers()).as_deref() == Some(OCI_IMAGE_INDEX_MEDIA_TYPE) => {}
                    // A registry without the API answers 404, or whatever its front-end makes of an unknown path.
                    StatusCode::OK
                    | StatusCode::NOT_FOUND
                    | StatusCode::BAD_REQUEST
                    | StatusCode::METHOD_NOT_ALLOWED => return Ok(None),
                    _ => {
                        return Err(self
                            .http
                            .status_error(answer, &format!("a request for what is attached in {repository}"))
                            .await
                            .into());
                    }
                }
                let next = self.http.next_page(&answer)?;
                let bytes = self.http.read_body(answer, MAX_MANIFEST_BYTES, None).await?;
                Ok(Some((bytes, next)))
            })))?;
            let Some((page, next)) = page else { break };
            look.take(self, &page, &mut found)?;
            match next {
                Some(next) => request.address = next,
                None => return Ok(found),
            }
        }
        if found.is_empty()
            && let Some(list) =
                self.runtime.block_on(look.in_time(self.fetch_manifest(repository, &fallback_tag(subject))))?
        {
            look.take(self, &list.bytes, &mut found)?;
        }
        Ok(found)
    }

    fn fallback_index(&self, repository: &str, subject: &Digest) -> Result<Option<(OciImageIndex, Digest)>, Error> {
        match self.find_manifest(repository, &fallback_tag(subject))? {
            Some(manifest) => Ok(Some((manifest.index()?, manifest.digest))),
            None => Ok(None),
        }
    }

    /// Pushes a manifest with a subject, by digest, and sees to it that it is listed.
    ///
    /// # Errors
    /// When the registry does not take it, or others keep changing the list at the same time (exit 5).
    pub fn push_referrer(
        &self,
        repository: &str,
        subject: &Digest,
        manifest: &Manifest,
        entry: &ImageIndexEntry,
    ) -> Result<(), Error> {
        // Never a tag: Helm takes any SemVer tag for a version of the chart.
        if self.push_manifest(repository, &manifest.digest.to_string(), manifest)? {
            return Ok(());
        }
        let listed = self.referrers(repository, subject, &mut Look::new())?;
        if listed.iter().any(|known| known.digest == manifest.digest) {
            return Ok(());
        }
        for _ in 0..REFERRER_ROUNDS {
            let (mut index, _) =
                self.fallback_index(repository, subject)?.unwrap_or_else(|| (empty_index(), subject.to_owned()));
            if index.manifests.iter().any(|known| known.digest == entry.digest) {
                return Ok(());
            }
            index.manifests.push(entry.clone());
            let bytes =
                serde_json::to_vec(&index).map_err(|e| Error::bug(format!("an index cannot be written: {e}")))?;
            let list =
                Manifest { digest: Digest::of(&bytes), bytes, media_type: OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned() };
            self.push_manifest(repository, &fallback_tag(subject), &list)?;
            // Registries cannot compare and swap: look whether somebody else's list replaced ours.
        }
        Err(self
            .http
            .broken("its list of what is attached keeps losing our entry")
            .hint("somebody else attaches to the same chart; try again"))
    }

    fn request(&self, method: Method, path: &str, repository: &str, access: Access) -> Result<Request, Error> {
        let repository = repository.to_owned();
        Ok(Request { method, address: self.http.own(path)?, headers: HeaderMap::new(), body: None, repository, access })
    }

    fn manifest_request(
        &self,
        method: Method,
        repository: &str,
        reference: &str,
        access: Access,
    ) -> Result<Request, Error> {
        let mut request = self.request(method, &format!("{repository}/manifests/{reference}"), repository, access)?;
        let (name, value) = accept(&MANIFEST_TYPES)?;
        request.headers.insert(name, value);
        Ok(request)
    }
}

/// How errors call the address that an upload goes on at.
const UPLOAD: &str = "the place for an upload";

enum UploadFailure {
    TooLarge,
    Other(RequestFailure),
}

fn empty_index() -> OciImageIndex {
    OciImageIndex {
        schema_version: 2,
        media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
        manifests: Vec::new(),
        artifact_type: None,
        annotations: None,
    }
}

/// The tag where a registry without the referrers API keeps the list (OCI distribution 1.1, referrers tag schema).
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// An entry of a list of referrers.
pub(crate) fn index_entry(
    manifest: &Manifest,
    artifact_type: &str,
    annotations: Option<std::collections::BTreeMap<String, String>>,
) -> ImageIndexEntry {
    let OciDescriptor { media_type, digest, size, .. } = manifest.descriptor();
    ImageIndexEntry {
        media_type,
        digest,
        size,
        platform: None,
        annotations,
        artifact_type: Some(artifact_type.to_owned()),
    }
}

fn retry(error: Error) -> RequestFailure {
    RequestFailure::Retryable { error, after: None }
}

/// A proxy on the way may have damaged it: worth another try, and after the last one a matter of trust.
fn wrong_digest(wanted: Digest, found: Digest) -> RequestFailure {
    retry(Error::denied(format!(
        "the registry sent {found} for {wanted}: the content was changed on the way or in the registry"
    )))
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::usage(format!("`{}` cannot be sent", shown_value(text))))
}

fn digest_header(headers: &HeaderMap) -> Option<Digest> {
    headers.get(HeaderName::from_static("docker-content-digest"))?.to_str().ok()?.parse().ok()
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_owned())
}

fn starts_at(headers: &HeaderMap, offset: usize) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.trim_start_matches("bytes").trim_start().starts_with(&format!("{offset}-")))
}
