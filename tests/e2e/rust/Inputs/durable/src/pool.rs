// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A mapped file, and how what is stored there becomes durable.
use std::arch::asm;
use std::arch::x86_64::_mm_sfence;
use std::cell::UnsafeCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::{align_of, size_of};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr;

/// What the processor reads and flushes at once, bytes.
pub const LINE: usize = 64;

mod sys {
    pub const PROT_READ_WRITE: i32 = 1 | 2;
    pub const MAP_SHARED: i32 = 1;

    extern "C" {
        pub fn mmap(
            at: *mut u8,
            size: usize,
            protection: i32,
            flags: i32,
            file: i32,
            offset: i64,
        ) -> *mut u8;
        pub fn munmap(at: *mut u8, size: usize) -> i32;
    }
}

/// Eight bytes in the pool: what the hardware stores as a whole.
#[repr(transparent)]
#[derive(Debug)]
pub struct Word(UnsafeCell<u64>);

impl Word {
    pub fn get(&self) -> u64 {
        // SAFETY: the reference is valid, and the word belongs to this thread's pool.
        unsafe { self.0.get().read_volatile() }
    }

    /// Stores; durable only after a flush and a fence.
    pub fn set(&self, value: u64) {
        // SAFETY: as in `get`.
        unsafe { self.0.get().write_volatile(value) }
    }

    /// Stores an address, which means something to this process alone.
    pub(crate) fn set_address<T>(&self, address: *const T) {
        // SAFETY: as in `get`; an address has the size of a word.
        unsafe { self.0.get().cast::<*const T>().write_volatile(address) }
    }
}

/// Types that may lie in a pool: of words alone, so any content is valid.
///
/// # Safety
/// The type must be `repr(C)` and consist of [`Word`]s.
pub unsafe trait Persistent {}
unsafe impl Persistent for Word {}

/// A file, mapped as a whole. Its first line belongs to what it holds, see `magic`.
#[derive(Debug)]
pub struct Pool {
    base: *mut u8,
    size: usize,
    _file: File,
}

impl Pool {
    /// Makes a file of `size` bytes, all 0, and maps it.
    pub fn create(path: &Path, size: usize) -> io::Result<Pool> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(path)?;
        file.set_len(size as u64)?;
        Pool::map(file)
    }

    /// Maps a file that is there.
    pub fn open(path: &Path) -> io::Result<Pool> {
        Pool::map(OpenOptions::new().read(true).write(true).open(path)?)
    }

    fn map(file: File) -> io::Result<Pool> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // SAFETY: a new mapping, of a file that is open.
        let base = unsafe {
            sys::mmap(
                ptr::null_mut(),
                size,
                sys::PROT_READ_WRITE,
                sys::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if base as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(Pool {
            base,
            size,
            _file: file,
        })
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What lies at an offset. Panics if it does not lie in the pool as a whole.
    #[track_caller]
    pub fn at<T: Persistent>(&self, offset: u64) -> &T {
        let end = offset.checked_add(size_of::<T>() as u64);
        assert!(
            end.is_some_and(|end| end <= self.size as u64)
                && offset & (align_of::<T>() as u64 - 1) == 0,
            "link to nowhere: {offset:#x}"
        );
        // SAFETY: it lies in the mapping, and any content of words is valid.
        unsafe { &*self.base.add(offset as usize).cast() }
    }

    /// The offset of a part of the pool.
    pub fn offset<T: Persistent>(&self, part: &T) -> u64 {
        let offset = ptr::from_ref(part) as usize - self.base as usize;
        debug_assert!(offset < self.size);
        offset as u64
    }

    /// Begins to write the lines of `size` bytes at `offset` back to memory.
    pub fn flush(&self, offset: u64, size: usize) {
        let first = offset as usize & !(LINE - 1);
        for line in (first..offset as usize + size).step_by(LINE) {
            assert!(line < self.size);
            // SAFETY: the line lies in the mapping; what it holds does not change.
            unsafe {
                asm!("clwb [{}]", in(reg) self.base.add(line), options(nostack, preserves_flags));
            }
        }
    }

    /// Waits until what was flushed before is durable.
    pub fn fence(&self) {
        // SAFETY: every processor of this target has it.
        unsafe { _mm_sfence() }
    }

    /// Flush and fence of a part.
    pub fn persist<T: Persistent>(&self, part: &T) {
        self.flush(self.offset(part), size_of::<T>());
        self.fence();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: nothing that borrows from the pool is left.
        unsafe { sys::munmap(self.base, self.size) };
    }
}
