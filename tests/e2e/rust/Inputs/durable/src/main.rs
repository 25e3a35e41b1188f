// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! durable log create|append|check POOL
//! durable map create COUNT POOL        room for 2 * COUNT + 16 keys
//! durable map INS|PUT|CHK|GET|REM|RAND COUNT POOL [ROUNDS]
//! durable map check POOL               what recovery does
//! durable map read POOL                another recovery, which believes what it reads
use durable::{mix, Log, Map, Pool};
use std::path::Path;
use std::process::ExitCode;

fn open(path: &str) -> Pool {
    Pool::open(Path::new(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn create(path: &str, size: usize) -> Pool {
    Pool::create(Path::new(path), size).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const NAMES: [&str; 3] = ["alpha", "sixteen letters!", ""];

fn name(i: u64) -> &'static str {
    NAMES[(i % 3) as usize]
}

fn log_append(log: &mut Log) {
    for (i, text) in [
        "one",
        "a record that does not fit into a line of the cache: it has 80 bytes",
    ]
    .iter()
    .enumerate()
    {
        fencepost::op(format!("append {i}"), || log.append(text.as_bytes()));
    }
}

/// One random step; `present` is what the map ought to know of the key.
fn random_step(map: &mut Map, key: u64, dice: u64, present: &mut bool) {
    match dice {
        0 | 1 => {
            assert_eq!(map.insert(key, dice, name(dice)), !*present);
            *present = true;
        }
        2 => {
            assert_eq!(map.remove(key), *present);
            *present = false;
        }
        _ => assert_eq!(map.get(key).is_some(), *present),
    }
}

fn map_random(map: &mut Map, count: u64) {
    let keys = 2 * count + 16;
    let mut present: Vec<bool> = (0..keys).map(|i| map.get(mix(i)).is_some()).collect();
    let mut state = 1;
    for _ in 0..count {
        state = mix(state);
        let at = state % keys;
        random_step(map, mix(at), state >> 62, &mut present[at as usize]);
    }
}

fn map_work(map: &mut Map, what: &str, count: u64) -> bool {
    match what {
        "INS" | "PUT" => (0..count).for_each(|i| {
            fencepost::op(format!("insert {i}"), || map.insert(mix(i), i, name(i)));
        }),
        "CHK" => {
            map.verify();
            (0..count).for_each(|i| assert_eq!(map.get(mix(i)), Some(i)));
        }
        "GET" => (0..count).for_each(|i| assert_eq!(map.get(mix(i)), Some(i))),
        "REM" => (0..count).for_each(|i| {
            fencepost::op(format!("remove {i}"), || assert!(map.remove(mix(i))));
        }),
        "RAND" => map_random(map, count),
        _ => return false,
    }
    true
}

/// What recovery has found, for whoever judges it.
fn observe(state: String) {
    println!("{state}");
    fencepost::observe(state);
}

fn run(words: &[&str]) -> bool {
    match *words {
        ["log", "create", path] => drop(Log::create(create(path, 4096))),
        ["log", "append", path] => log_append(&mut Log::open(open(path))),
        ["log", "check", path] => {
            let records = Log::open(open(path)).records();
            observe(format!("log: {} records", records.len()));
        }
        ["map", "create", count, path] => {
            let nodes = 2 * count.parse::<u64>().expect("COUNT is a number") + 16;
            drop(Map::create(create(path, Map::pool_size(nodes)), nodes));
        }
        ["map", "check", path] => observe(format!("map: {:x?}", Map::open(open(path)).verify())),
        ["map", "read", path] => {
            let map = Map::open(open(path));
            observe(format!(
                "{} keys, the first {:?}",
                map.len(),
                map.get(mix(0))
            ));
        }
        ["map", what, count, path, ref rounds @ ..] if rounds.len() <= 1 => {
            let count = count.parse().expect("COUNT is a number");
            let rounds = rounds.first().map_or(1, |rounds| {
                rounds.parse::<u32>().expect("ROUNDS is a number")
            });
            let mut map = Map::open(open(path));
            return (0..rounds).all(|_| map_work(&mut map, what, count));
        }
        _ => return false,
    }
    true
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if run(&words) {
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: durable log|map COMMAND [COUNT] POOL [ROUNDS]");
    ExitCode::from(2)
}
