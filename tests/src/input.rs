//! The streams that tests run over.

use xtask::helm::Version;
use xtask::{streams, workspace};

/// A stream as a post-renderer gets it.
#[derive(Debug)]
pub struct Stream {
    /// `helm4/awkward`, for messages.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The recorded streams of our own charts, and those of public charts where they are at hand.
///
/// # Panics
/// A stream cannot be read.
#[must_use]
pub fn streams() -> Vec<Stream> {
    let mut found = Vec::new();
    for version in Version::ALL {
        for chart in streams::CHARTS {
            let path = streams::recorded(version, chart);
            found.push(Stream {
                name: format!("{}/{chart}", version.folder_name()),
                bytes: std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            });
        }
        let Some(corpus) = workspace::corpus() else { continue };
        let folder = corpus.join(version.folder_name());
        let mut paths: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .collect();
        paths.sort();
        for path in paths {
            let stem = path.file_stem().expect("a file name").to_string_lossy().into_owned();
            found.push(Stream {
                name: format!("{}/{stem}", version.folder_name()),
                bytes: std::fs::read(&path).expect("a stream"),
            });
        }
    }
    found
}
