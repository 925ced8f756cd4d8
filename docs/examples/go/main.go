// words [FILE...] prints the ten most frequent words of the files, or of its standard input. It ends with 2 if a file cannot be read.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// WASI knows only success and failure; the VM has all exit codes.
//
//go:wasmimport torpor:posix/sys@0.1.0 exit
func exit(status uint32)

func count(words map[string]int, input io.Reader) error {
	scanner := bufio.NewScanner(input)
	scanner.Split(bufio.ScanWords)
	for scanner.Scan() {
		words[scanner.Text()]++
	}
	return scanner.Err()
}

func countFile(words map[string]int, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return count(words, file)
}

func main() {
	words := map[string]int{}
	var err error
	if len(os.Args) == 1 {
		err = count(words, os.Stdin)
	}
	for _, name := range os.Args[1:] {
		if failed := countFile(words, name); failed != nil {
			err = failed
			fmt.Fprintln(os.Stderr, "words:", failed)
		}
	}
	order := slices.SortedFunc(maps.Keys(words), func(one, other string) int {
		return cmp.Or(words[other]-words[one], cmp.Compare(one, other))
	})
	for _, word := range order[:min(10, len(order))] {
		fmt.Printf("%7d %s\n", words[word], word)
	}
	if err != nil {
		exit(2)
	}
}
