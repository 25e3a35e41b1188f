// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A journal of numbers in a mapped file: a count, and an entry per number.
use std::arch::x86_64::_mm_sfence;
use std::fs::OpenOptions;
use std::io::Result;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr;

extern "C" {
    fn mmap(at: *mut u8, size: usize, prot: i32, flags: i32, file: i32, offset: i64) -> *mut u8;
}

const SIZE: usize = 4096;
const MAX: u64 = 62;

/// A line of the cache: what is flushed as a whole.
#[repr(C, align(64))]
struct Entry {
    number: u64,
    twice: u64, // to tell that the entry is whole
}

#[repr(C)]
struct Layout {
    count: u64,
    entries: [Entry; MAX as usize],
}

pub struct Journal {
    layout: *mut Layout,
}

/// Begins to write a line back to memory.
fn flush<T>(line: *const T) {
    unsafe { std::arch::asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags)) }
}

impl Journal {
    pub fn open(path: &Path) -> Result<Journal> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.set_len(SIZE as u64)?;
        // PROT_READ | PROT_WRITE, MAP_SHARED
        let layout = unsafe { mmap(ptr::null_mut(), SIZE, 3, 1, file.as_raw_fd(), 0) };
        assert_ne!(layout as isize, -1, "mmap");
        Ok(Journal {
            layout: layout.cast(),
        })
    }

    pub fn push(&mut self, number: u64) {
        let layout = unsafe { &mut *self.layout };
        assert!(layout.count < MAX, "the journal is full");
        let entry = &mut layout.entries[layout.count as usize];
        entry.number = number;
        entry.twice = 2 * number;
        flush(entry);
        if cfg!(feature = "fixed") {
            unsafe { _mm_sfence() };
        }
        layout.count += 1;
        flush(&layout.count);
        unsafe { _mm_sfence() };
    }

    /// What recovery does: every entry that counts is whole.
    pub fn check(&self) -> Vec<u64> {
        let layout = unsafe { &*self.layout };
        let entries = layout.entries[..layout.count as usize].iter();
        entries
            .map(|entry| {
                assert_eq!(entry.twice, 2 * entry.number, "an entry is damaged");
                entry.number
            })
            .collect()
    }
}
