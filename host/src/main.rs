//! The `windlass` program: all of it is in the library, see [`windlass::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass::cli::main()
}

/// Looks at stdout before the standard library does: where it is closed, the library puts /dev/null in its place, and
/// `windlass run PLUGIN >&-` would lose the whole stream and report success.
#[cfg(target_os = "linux")]
mod before_main {
    use std::sync::atomic::Ordering;

    extern "C" fn look_at_stdout() {
        if rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err() {
            windlass::cli::printer::STDOUT_WAS_CLOSED.store(true, Ordering::Relaxed);
        }
    }

    // SAFETY: the loader calls what this section points to before `main`, with the C calling convention; the function
    // needs nothing that is set up later: one system call without memory, one store to a static.
    #[allow(unsafe_code)] // no safe code runs before the standard library opens /dev/null
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK_AT_STDOUT: extern "C" fn() = look_at_stdout;
}
