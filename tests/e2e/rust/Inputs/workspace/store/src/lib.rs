// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A mapped file whose first words can be set.
use std::arch::x86_64::{_mm_clflush, _mm_sfence};
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::path::Path;

extern "C" {
    fn mmap(
        at: *mut u8,
        size: usize,
        protection: i32,
        flags: i32,
        file: i32,
        offset: i64,
    ) -> *mut u8;
}

/// Did a trial of the build script pass that only an unstable compiler passes?
pub const UNSTABLE: &str = env!("STORE_UNSTABLE");

const SIZE: usize = 4096;

/// A file in memory.
pub struct Store {
    words: *mut u64,
}

impl Store {
    /// Maps the file, which is made if it is not there.
    ///
    /// ```
    /// let path = std::env::temp_dir().join(format!("store-{}", std::process::id()));
    /// store::Store::open(&path).set(0, 7);
    /// assert_eq!(store::Store::open(&path).get(0), 7);
    /// std::fs::remove_file(&path).unwrap();
    /// ```
    pub fn open(path: &Path) -> Store {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .unwrap();
        file.set_len(SIZE as u64).unwrap();
        // PROT_READ | PROT_WRITE, MAP_SHARED
        let words = unsafe { mmap(std::ptr::null_mut(), SIZE, 3, 1, file.as_raw_fd(), 0) };
        assert_ne!(words as isize, -1);
        Store {
            words: words.cast(),
        }
    }

    pub fn get(&self, line: usize) -> u64 {
        assert!((line + 1) * shape::line_size!() <= SIZE);
        unsafe { self.words.add(line * 8).read_volatile() }
    }

    /// Sets the first word of a line of cache, and leaves it in the cache.
    pub fn set_only(&mut self, line: usize, value: u64) {
        assert!((line + 1) * shape::line_size!() <= SIZE);
        unsafe { self.words.add(line * 8).write_volatile(value) }
    }

    /// Copies bytes to the beginning of a line, and leaves them in the cache.
    pub fn copy_only(&mut self, line: usize, bytes: &[u8]) {
        assert!(bytes.len() <= 64 && (line + 1) * shape::line_size!() <= SIZE);
        let at = unsafe { self.words.add(line * 8) }.cast::<u8>();
        unsafe { std::slice::from_raw_parts_mut(at, bytes.len()) }.copy_from_slice(bytes);
    }

    /// Sets it for good.
    pub fn set(&mut self, line: usize, value: u64) {
        self.set_only(line, value);
        unsafe {
            _mm_clflush(self.words.add(line * 8).cast());
            _mm_sfence();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_there() {
        let path = std::env::temp_dir().join(format!("store-test-{}", std::process::id()));
        Store::open(&path).set(3, 9);
        assert_eq!(Store::open(&path).get(3), 9);
        std::fs::remove_file(&path).unwrap();
    }
}
