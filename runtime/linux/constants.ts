/** Kernel constants by their kernel names (include/uapi/linux), the same on every architecture crib runs on. */

/** mount(2) flags (linux/mount.h). */
export const MS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  SYNCHRONOUS: 0x10,
  REMOUNT: 0x20,
  MANDLOCK: 0x40,
  DIRSYNC: 0x80,
  NOSYMFOLLOW: 0x100,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  BIND: 0x1000,
  MOVE: 0x2000,
  REC: 0x4000,
  SILENT: 0x8000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  STRICTATIME: 0x1000000,
  LAZYTIME: 0x2000000,
} as const;

/** umount2(2) flags. */
export const MNT = { FORCE: 1, DETACH: 2, EXPIRE: 4, UMOUNT_NOFOLLOW: 8 } as const;

/** clone(2), unshare(2) and setns(2) flags (linux/sched.h). */
export const CLONE = {
  NEWTIME: 0x80,
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  NEWNS: 0x20000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
} as const;

/** open(2) flags that node:fs has no constant for, or only on some platforms. */
export const O = {
  PATH: 0x200000,
  CLOEXEC: 0x80000,
  NOFOLLOW: 0x20000,
  DIRECTORY: 0x10000,
  TMPFILE: 0x410000,
} as const;

/** *at(2) flags (linux/fcntl.h, linux/mount.h). */
export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
} as const;

export const OPEN_TREE = { CLONE: 1, CLOEXEC: O.CLOEXEC } as const;

/** move_mount(2) flags. */
export const MOVE_MOUNT = {
  F_SYMLINKS: 0x1,
  F_EMPTY_PATH: 0x4,
  T_SYMLINKS: 0x10,
  T_EMPTY_PATH: 0x40,
  SET_GROUP: 0x100,
  BENEATH: 0x200,
} as const;

/** mount_setattr(2) attributes. */
export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  IDMAP: 0x100000,
  NOSYMFOLLOW: 0x200000,
} as const;

/** openat2(2) resolve flags. */
export const RESOLVE = {
  NO_XDEV: 0x1,
  NO_MAGICLINKS: 0x2,
  NO_SYMLINKS: 0x4,
  BENEATH: 0x8,
  IN_ROOT: 0x10,
  CACHED: 0x20,
} as const;

/** fsconfig(2) commands. */
export const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, SET_FD: 5, CMD_CREATE: 6 } as const;

/** waitid(2). */
export const P = { ALL: 0, PID: 1, PIDFD: 3 } as const;
export const W = { NOHANG: 1, EXITED: 4, NOWAIT: 0x1000000 } as const;
/** siginfo si_code of SIGCHLD. */
export const CLD = { EXITED: 1, KILLED: 2, DUMPED: 3 } as const;

/** prctl(2) operations. */
export const PR = { SET_PDEATHSIG: 1, SET_NAME: 15, SET_NO_NEW_PRIVS: 38, SET_CHILD_SUBREAPER: 36 } as const;

/** fcntl(2) commands. */
export const F = { GETFD: 1, SETFD: 2, GETFL: 3, SETFL: 4, SETPIPE_SZ: 1031, GETPIPE_SZ: 1032 } as const;
export const FD_CLOEXEC = 1;

/** flock(2). */
export const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;

export const RLIMIT_NOFILE = 7;

/** madvise(2). */
export const MADV = { DONTNEED: 4 } as const;

/** statfs(2) f_type (linux/magic.h). */
export const FS_MAGIC = {
  TMPFS: 0x01021994,
  HUGETLBFS: 0x958458f6,
  OVERLAYFS: 0x794c7630,
  EXT4: 0xef53,
  XFS: 0x58465342,
  BTRFS: 0x9123683e,
  CGROUP: 0x27e0eb,
  CGROUP2: 0x63677270,
  PROC: 0x9fa0,
  SYSFS: 0x62656572,
  NSFS: 0x6e736673,
  DEVPTS: 0x1cd1,
} as const;
