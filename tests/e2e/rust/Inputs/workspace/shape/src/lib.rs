// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A proc macro: compiled for the host, so it must stay without hooks.
use proc_macro::TokenStream;

/// The number of bytes in a line of cache.
#[proc_macro]
pub fn line_size(_: TokenStream) -> TokenStream {
    // Stores through pointers, which would have hooks.
    let mut digits = vec![b'0'; 2];
    digits[0] = b'6';
    digits[1] = b'4';
    String::from_utf8(digits).unwrap().parse().unwrap()
}
