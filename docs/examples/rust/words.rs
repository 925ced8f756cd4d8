//! words [FILE...] prints the ten most frequent words of the files, or of its standard input. It ends with 2 if a file cannot be read.
use std::alloc::{alloc, realloc, Layout};
use std::collections::HashMap;
use std::io::{self, Read};
use std::{env, fs};

// WASI knows only success and failure; the VM has all exit codes.
#[link(wasm_import_module = "torpor:posix/sys@0.1.0")]
extern "C" {
    fn exit(status: u32);
}

/// Where the adapter gets its memory. Without it, the adapter grows the memory by itself, and the allocators of older libcs take
/// what it got for their own.
///
/// # Safety
/// The adapter gives back what it got, with the size and alignment that it asked for.
#[no_mangle]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if old.is_null() {
        alloc(Layout::from_size_align_unchecked(size, align))
    } else {
        realloc(old, Layout::from_size_align_unchecked(old_size, align), size)
    }
}

fn count(words: &mut HashMap<String, usize>, text: &str) {
    for word in text.split_whitespace() {
        *words.entry(word.to_owned()).or_default() += 1;
    }
}

fn main() {
    // The library begins in /, wherever the program was started.
    if let Ok(place) = env::var("PWD") {
        let _ = env::set_current_dir(place);
    }
    let mut words = HashMap::new();
    let mut failed = false;
    let names: Vec<String> = env::args().skip(1).collect();
    if names.is_empty() {
        let mut text = String::new();
        failed = io::stdin().read_to_string(&mut text).is_err();
        count(&mut words, &text);
    }
    for name in &names {
        match fs::read_to_string(name) {
            Ok(text) => count(&mut words, &text),
            Err(error) => {
                failed = true;
                eprintln!("words: {name}: {error}");
            }
        }
    }
    let mut order: Vec<_> = words.into_iter().collect();
    order.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    for (word, times) in order.iter().take(10) {
        println!("{times:7} {word}");
    }
    if failed {
        unsafe { exit(2) }
    }
}
