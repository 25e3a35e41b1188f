// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! journal push POOL NUMBER, journal check POOL
use journal::Journal;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[1..] {
        ["push", pool, number] => {
            Journal::open(Path::new(pool))?.push(number.parse().expect("a number"))
        }
        ["check", pool] => println!("{:?}", Journal::open(Path::new(pool))?.check()),
        _ => panic!("usage: journal push POOL NUMBER, journal check POOL"),
    }
    Ok(())
}
