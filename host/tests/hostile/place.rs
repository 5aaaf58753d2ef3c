//! Where guests run in these tests.

use windlass::error::Error;
use windlass::event::Event;
use windlass::render::{self, Rendered};
use windlass::sandbox::compile::cache::CodeCache;
use windlass::sandbox::compile::child::Compiler;
use windlass::sandbox::grants::Grants;
use windlass::sandbox::limits::Limits;
use windlass::sandbox::options::{Graft, RenderOptions, Step};
use windlass::source::PluginRef;

pub(crate) const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

/// A guest that hands its input back, copied through its own memory.
pub(crate) const HONEST: &str = r#"(module
  (memory (export "memory") 2)
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#;

/// A folder for guests and the cache, gone when it is dropped.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn guest(&self, name: &str, wasm: &[u8]) -> Step {
        let path = self.folder.path().join(format!("{name}.wasm"));
        std::fs::write(&path, wasm).unwrap();
        let plugin = render::open(&PluginRef::Path(path)).unwrap();
        Step {
            plugin,
            config: Vec::new(),
            extra_args: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            graft: Graft::default(),
        }
    }

    pub(crate) fn text_guest(&self, name: &str, text: &str) -> Step {
        self.guest(name, &wat::parse_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    pub(crate) fn render(&self, steps: &[Step], stream: &[u8]) -> Result<Rendered, Error> {
        let on_event = |_: Event<'_>| {};
        let cache = CodeCache::On { folder: self.folder.path().join("cache"), state: self.folder.path().join("state") };
        let mut options = RenderOptions::new(cache, &on_event);
        options.compiler = Compiler::program(env!("CARGO_BIN_EXE_windlass"));
        render::render(steps, stream.to_vec(), &options)
    }

    /// The next run in this process must be as good as any.
    pub(crate) fn assert_unharmed(&self) {
        let honest = self.text_guest("honest", HONEST);
        let rendered = self.render(&[honest], STREAM).unwrap();
        assert_eq!((&*rendered.stream, rendered.changed), (STREAM, false));
    }
}
