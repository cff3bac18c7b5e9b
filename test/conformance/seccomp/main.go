// Prints containerd's default seccomp profile for each capability set on stdin: one set a line, names separated by
// commas, an empty line for none. Output: one JSON profile a line.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"strings"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var bounding []string
		if text := lines.Text(); text != "" {
			bounding = strings.Split(text, ",")
		}
		spec := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: bounding}}}
		if err := out.Encode(seccomp.DefaultProfile(spec)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
