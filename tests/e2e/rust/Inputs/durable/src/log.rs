// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! An append-only log. A record is written behind the tail, made durable, and counts
//! once the tail, a single word, has moved past it.
use crate::{mix, Pool, Word};
use std::mem::size_of;

const MAGIC: u64 = u64::from_le_bytes(*b"dur.log\0");

/// The first line of the pool.
#[repr(C)]
struct Head {
    magic: Word,
    tail: Word, // offset behind the last record
    spare: [Word; 6],
}
unsafe impl crate::pool::Persistent for Head {}

/// What a record begins with; its bytes follow, as words.
#[repr(C)]
struct Record {
    size: Word, // bytes
    check: Word,
}
unsafe impl crate::pool::Persistent for Record {}

const FIRST: u64 = size_of::<Head>() as u64;

/// A log in a pool of its own.
pub struct Log {
    pool: Pool,
}

/// The words of some bytes, the last one filled up with 0.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

fn check(bytes: &[u8]) -> u64 {
    words(bytes).fold(mix(bytes.len() as u64), |sum, word| mix(sum ^ word))
}

impl Log {
    /// Makes an empty log of a pool that holds nothing.
    pub fn create(pool: Pool) -> Log {
        let head: &Head = pool.at(0);
        head.tail.set(FIRST);
        pool.persist(head);
        head.magic.set(MAGIC);
        pool.persist(head);
        Log { pool }
    }

    pub fn open(pool: Pool) -> Log {
        let log = Log { pool };
        assert_eq!(log.head().magic.get(), MAGIC, "no log");
        log
    }

    fn head(&self) -> &Head {
        self.pool.at(0)
    }

    /// Adds a record; it is there for good when this returns.
    pub fn append(&mut self, bytes: &[u8]) {
        let pool = &self.pool;
        let tail = &self.head().tail;
        let start = tail.get();
        let record: &Record = pool.at(start);
        record.size.set(bytes.len() as u64);
        record.check.set(check(bytes));
        let mut end = start + size_of::<Record>() as u64;
        for word in words(bytes) {
            pool.at::<Word>(end).set(word);
            end += 8;
        }
        let size = if cfg!(feature = "bug-no-flush") {
            // The bytes of the record, unless they share its line, stay in the cache.
            size_of::<Record>()
        } else {
            (end - start) as usize
        };
        if cfg!(feature = "bug-order") {
            // One fence less: the tail may arrive before the record.
            pool.flush(start, size);
            tail.set(end);
            pool.persist(tail);
        } else {
            pool.flush(start, size);
            pool.fence();
            tail.set(end);
            pool.persist(tail);
        }
    }

    /// The records, oldest first. Panics if one is damaged.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let end = self.head().tail.get();
        let mut records = Vec::new();
        let mut at = FIRST;
        while at < end {
            let record: &Record = self.pool.at(at);
            let size = record.size.get();
            at += size_of::<Record>() as u64;
            assert!(size <= end - at, "record {} is too long", records.len());
            let mut bytes = Vec::with_capacity(size as usize + 8);
            while (bytes.len() as u64) < size {
                bytes.extend(self.pool.at::<Word>(at).get().to_le_bytes());
                at += 8;
            }
            bytes.truncate(size as usize);
            assert_eq!(
                record.check.get(),
                check(&bytes),
                "record {} is damaged",
                records.len()
            );
            records.push(bytes);
        }
        records
    }
}
