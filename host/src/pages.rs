//! Memory by whole pages, straight from the system: bytes that are read once and then only looked at, or run.

use std::ffi::c_void;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};

/// What the start of an advice has to be a multiple of: the largest page of the systems that we know. The system itself
/// is not asked, which takes longer than what is done here.
const LARGEST_PAGE: usize = 64 << 10;
/// From this length on a buffer is worth huge pages: with small ones, the faults cost more than what is done in them.
pub(crate) const WORTH_HUGE: usize = 256 << 10;

/// Bytes in pages of their own. They belong to this process alone: no file stands behind them, so nobody can change
/// them.
#[derive(Debug)]
pub(crate) struct Pages {
    start: NonNull<c_void>,
    mapped: usize,
    length: usize,
}

// SAFETY: the pages belong to the value alone and nothing in them is tied to a thread.
#[allow(unsafe_code)]
unsafe impl Send for Pages {}
// SAFETY: once `read` has returned, nothing writes to them any more.
#[allow(unsafe_code)]
unsafe impl Sync for Pages {}

impl Pages {
    /// Reads `source` to its end. Fewer bytes than `length` are fine; what it has beyond them is not read.
    ///
    /// # Errors
    /// It cannot be read, or there is no memory.
    pub(crate) fn read(source: &mut impl io::Read, length: usize) -> io::Result<Self> {
        // Whole pages of it, as the system makes them.
        let mapped = length.max(1);
        // SAFETY: the system chooses the place; nothing is mapped there yet.
        #[allow(unsafe_code)]
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapped, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)?
        };
        let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // From here on dropping it unmaps the pages.
        let mut pages = Self { start, mapped, length: 0 };
        // SAFETY: the system has zeroed the pages, they are writable, and nobody else knows of them.
        #[allow(unsafe_code)]
        let buffer = unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), length) };
        while let Some(rest) = buffer.get_mut(pages.length..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(read) => pages.length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // SAFETY: they are ours, and nothing borrows them any more.
        #[allow(unsafe_code)]
        unsafe {
            mprotect(start.as_ptr(), mapped, MprotectFlags::READ)?;
        }
        Ok(pages)
    }

    /// Whether a byte of these pages lies there.
    pub(crate) fn have(&self, address: *const u8) -> bool {
        let start = self.start.as_ptr().addr();
        (start..start + self.mapped).contains(&address.addr())
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes were read into the pages, which stay readable until the value is dropped.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr().cast::<u8>(), self.length)
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped by `read`, and unmapped only here.
        #[allow(unsafe_code)]
        let unmapped = unsafe { munmap(self.start.as_ptr(), self.mapped) };
        debug_assert!(unmapped.is_ok(), "the pages were mapped");
    }
}

/// Asks for huge pages behind the next `length` bytes from `start`, where that is worth it. Nothing depends on the
/// answer.
pub(crate) fn prefer_huge(start: *const u8, length: usize) {
    if length < WORTH_HUGE || !cfg!(target_os = "linux") {
        return;
    }
    let inside = start.addr().next_multiple_of(LARGEST_PAGE) - start.addr();
    let Some(length) = length.checked_sub(inside) else { return };
    // SAFETY: the advice changes no byte and no permission, whatever is mapped there.
    #[allow(unsafe_code)]
    let _ = unsafe {
        #[cfg(target_os = "linux")]
        let advice = Advice::LinuxHugepage;
        #[cfg(not(target_os = "linux"))]
        let advice = Advice::Normal;
        madvise(start.wrapping_add(inside).cast_mut().cast(), length, advice)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_read() {
        for length in [0, 1, 4095, 4096, 4097, 300_000] {
            let bytes: Vec<u8> = (0..length).map(|at: usize| u8::try_from(at % 251).unwrap()).collect();
            let pages = Pages::read(&mut bytes.as_slice(), length).unwrap();
            assert_eq!(*pages, *bytes);
            assert!(pages.have(pages.as_ptr()) && !pages.have(bytes.as_ptr()));
            let short = Pages::read(&mut bytes.as_slice(), length + 9).unwrap();
            assert_eq!(*short, *bytes);
            let cut = Pages::read(&mut bytes.as_slice(), length / 2).unwrap();
            assert_eq!(*cut, bytes[..length / 2]);
        }
        let page = vec![1_u8; 1 << 20];
        prefer_huge(page.as_ptr(), page.len());
        assert!(page.iter().all(|byte| *byte == 1));
    }
}
