/** What is measured on a volume, from inside of a container: a perl program, as busybox has nothing for it. */

/** Sizes are of an emptyDir that a small node can afford; 10,000 files of 1 KiB are what an npm install makes. */
const PROGRAM = `
use strict; use warnings;
my $dir = $ARGV[0];
my $clock = "\\0" x 16;
sub now { syscall(228, 1, $clock); my ($s, $ns) = unpack("qq", $clock); return $s + $ns / 1e9 }
sub report { my ($name, $value) = @_; printf "%s\\t%.3f\\n", $name, $value }
sub sync { my ($f) = @_; syscall(74, fileno($f)) == 0 or die "fsync: $!" }
srand(7);
my $mib = "x" x (1 << 20); my $page = "y" x 4096; my $buffer;
my $file = "$dir/sequential";
my $start = now();
open(my $f, '+>', $file) or die "$file: $!";
for (1 .. 256) { syswrite($f, $mib) == 1 << 20 or die "write: $!" }
sync($f);
report('sequential write, 256 MiB', 256 * 1.048576 / (now() - $start));
sysseek($f, 0, 0); $start = now();
while (my $n = sysread($f, $buffer, 1 << 20)) { }
report('sequential read, 256 MiB', 256 * 1.048576 / (now() - $start));
$start = now();
for (1 .. 8192) { sysseek($f, 4096 * int(rand(65536)), 0); syswrite($f, $page) == 4096 or die "write: $!" }
sync($f);
report('random write, 4 KiB', 8192 / (now() - $start));
$start = now();
for (1 .. 8192) { sysseek($f, 4096 * int(rand(65536)), 0); sysread($f, $buffer, 4096) == 4096 or die "read: $!" }
report('random read, 4 KiB', 8192 / (now() - $start));
close($f); unlink($file);
my @names = map { sprintf("%s/%d/%d", $dir, $_ % 100, $_) } 0 .. 9999;
for (0 .. 99) { mkdir("$dir/$_") or die "mkdir: $!" }
$start = now();
for (@names) { open(my $s, '>', $_) or die "$_: $!"; syswrite($s, substr($mib, 0, 1024)); close($s) }
report('create 10,000 files', now() - $start);
$start = now();
for (@names) { open(my $s, '<', $_) or die "$_: $!"; sysread($s, $buffer, 2048) == 1024 or die "read: $!"; close($s) }
report('read 10,000 files', now() - $start);
$start = now();
for (@names) { unlink($_) == 1 or die "$_: $!" }
for (0 .. 99) { rmdir("$dir/$_") or die "rmdir: $!" }
report('remove 10,000 files', now() - $start);
`;

/** Measures of PROGRAM in its order, with their units. */
export const MEASURES: Readonly<Record<string, string>> = {
  'sequential write, 256 MiB': 'MB/s',
  'sequential read, 256 MiB': 'MB/s',
  'random write, 4 KiB': '/s',
  'random read, 4 KiB': '/s',
  'create 10,000 files': 's',
  'read 10,000 files': 's',
  'remove 10,000 files': 's',
};

/** The command of a container that measures the volume at `directory`. The host's perl is mounted at /usr. */
export function ioCommand(directory: string): string[] {
  return ['/usr/bin/perl', '-e', PROGRAM, directory];
}

/** From its output to values by measure. Throws where one is missing: it did not come to its end. */
export function readFigures(output: string): Map<string, number> {
  const lines = output.split('\n').map((line) => line.split('\t'));
  const found = new Map(lines.map(([name = '', value = '']) => [name, Number(value)]));
  for (const name of Object.keys(MEASURES)) {
    if (!Number.isFinite(found.get(name))) throw new Error(`no figure for "${name}" in: ${output}`);
  }
  return found;
}
