// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A log and a hash map in persistent memory, in a mapped file.
//!
//! [`Pool`] maps the file and makes stores durable, [`Tx`] makes several of them one,
//! [`Log`] needs no transaction, [`Map`] needs them. Links are offsets in the file: it
//! may be mapped anywhere.
pub mod log;
pub mod map;
pub mod pool;
pub mod tx;

pub use log::Log;
pub use map::Map;
pub use pool::{Pool, Word};
pub use tx::Tx;

/// Mixes all bits of `x` into all bits of the result.
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
