//! The part of Extism's C interface (`extism.h`) that running a plugin takes.

use std::ffi::{CStr, c_char};
use std::path::Path;

type Error = Box<dyn std::error::Error>;

type NewCompiled = unsafe extern "C" fn(*const u8, u64, *const *const (), u64, bool, *mut *mut c_char) -> *mut ();
type FromCompiled = unsafe extern "C" fn(*const (), *mut *mut c_char) -> *mut ();
type Free = unsafe extern "C" fn(*mut ());
type FreeText = unsafe extern "C" fn(*mut c_char);
type Call = unsafe extern "C" fn(*mut (), *const c_char, *const u8, u64) -> i32;
type PluginError = unsafe extern "C" fn(*mut ()) -> *const c_char;
type OutputLength = unsafe extern "C" fn(*mut ()) -> u64;
type OutputData = unsafe extern "C" fn(*mut ()) -> *const u8;

/// The loaded library.
pub struct Extism {
    new_compiled: NewCompiled,
    free_compiled: Free,
    from_compiled: FromCompiled,
    free_plugin: Free,
    free_text: FreeText,
    call: Call,
    error: PluginError,
    output_length: OutputLength,
    output_data: OutputData,
}

/// A compiled plugin.
pub struct Compiled<'e> {
    extism: &'e Extism,
    plugin: *mut (),
}

impl Extism {
    /// Loads the library, for as long as the process lives.
    pub fn load(path: &Path) -> Result<Self, Error> {
        // SAFETY: the library is Extism's release, whose initialisers only set up Rust's runtime; it is never unloaded,
        // and each name stands for the function that its header (extism.h of the same version) declares.
        unsafe {
            let library: &'static libloading::Library = Box::leak(Box::new(libloading::Library::new(path)?));
            Ok(Self {
                new_compiled: *library.get(b"extism_compiled_plugin_new\0")?,
                free_compiled: *library.get(b"extism_compiled_plugin_free\0")?,
                from_compiled: *library.get(b"extism_plugin_new_from_compiled\0")?,
                free_plugin: *library.get(b"extism_plugin_free\0")?,
                free_text: *library.get(b"extism_plugin_new_error_free\0")?,
                call: *library.get(b"extism_plugin_call\0")?,
                error: *library.get(b"extism_plugin_error\0")?,
                output_length: *library.get(b"extism_plugin_output_length\0")?,
                output_data: *library.get(b"extism_plugin_output_data\0")?,
            })
        }
    }

    /// Compiles what a manifest names, with WASI.
    pub fn compile(&self, manifest: &serde_json::Value) -> Result<Compiled<'_>, Error> {
        let manifest = manifest.to_string();
        let mut problem = std::ptr::null_mut();
        // SAFETY: the manifest outlives the call, there are no host functions, and `problem` can be written.
        let plugin = unsafe {
            (self.new_compiled)(manifest.as_ptr(), manifest.len() as u64, std::ptr::null(), 0, true, &mut problem)
        };
        if plugin.is_null() { Err(self.taken(problem)) } else { Ok(Compiled { extism: self, plugin }) }
    }

    /// The text of an error that the library has handed over.
    fn taken(&self, problem: *mut c_char) -> Error {
        if problem.is_null() {
            return "extism says no more".into();
        }
        // SAFETY: the library made it, ends it with a zero, and frees it here, once.
        unsafe {
            let text = CStr::from_ptr(problem).to_string_lossy().into_owned();
            (self.free_text)(problem);
            text.into()
        }
    }
}

impl Compiled<'_> {
    /// Calls a function of a fresh instance.
    pub fn call(&self, function: &CStr, input: &[u8]) -> Result<Vec<u8>, Error> {
        let extism = self.extism;
        let mut problem = std::ptr::null_mut();
        // SAFETY: `plugin` was compiled by this library and is freed when `self` is dropped.
        let instance = unsafe { (extism.from_compiled)(self.plugin, &mut problem) };
        if instance.is_null() {
            return Err(extism.taken(problem));
        }
        // SAFETY: `instance` is alive until the last line; name and input outlive the call; error and output belong to
        // the instance, and are copied before it goes.
        unsafe {
            let code = (extism.call)(instance, function.as_ptr(), input.as_ptr(), input.len() as u64);
            let result = if code == 0 {
                let length = usize::try_from((extism.output_length)(instance))?;
                let data = (extism.output_data)(instance);
                Ok(if length == 0 { Vec::new() } else { std::slice::from_raw_parts(data, length).to_vec() })
            } else {
                let text = (extism.error)(instance);
                Err(if text.is_null() {
                    format!("the plugin answered {code}").into()
                } else {
                    CStr::from_ptr(text).to_string_lossy().into_owned().into()
                })
            };
            (extism.free_plugin)(instance);
            result
        }
    }
}

impl Drop for Compiled<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from this library, and nothing made of it is left.
        unsafe { (self.extism.free_compiled)(self.plugin) }
    }
}
