//! A random edit of a random object of mutated manifests: refused, or right by an independent parser, or nothing.

use std::process::ExitCode;

use windlass_testing::anchored;
use windlass_testing::manifests::{self, Tally};

fn main() -> ExitCode {
    windlass_fuzz::run("edits", |text, random| {
        // No seed shares as much as these do.
        let shared = (random.below(4) == 0).then(|| {
            let shared = anchored::document(false, &mut |bound| random.below(bound));
            if random.below(2) == 0 { windlass_fuzz::mutate(&shared, text, random) } else { shared }
        });
        let text = shared.as_deref().unwrap_or(text);
        let Ok(objects) = manifests::objects_with_paths(text) else { return Ok(()) };
        // What the other parser reads as something else from the start cannot be compared; it knows other tags.
        if objects.is_empty() || text.contains('!') || !manifests::reads_alike(text) {
            return Ok(());
        }
        let mut tally = Tally::default();
        for _ in 0..3 {
            let wanted = random.below(objects.len());
            let paths = &objects[wanted];
            let (path, kind, length) = &paths[random.below(paths.len())];
            let edits = manifests::edits_at(path, *kind, *length);
            manifests::check("mutated", text, wanted, &edits[random.below(edits.len())], &mut tally);
        }
        tally.wrong.into_iter().next().map_or(Ok(()), Err)
    })
}
