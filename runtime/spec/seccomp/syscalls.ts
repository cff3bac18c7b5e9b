/**
 * The calls that the default seccomp profile lets through. Equal in effect to containerd's DefaultProfile
 * (contrib/seccomp, v2.4), which a test compares; in crib's own grouping, each group with why it is safe to give.
 * What is in no group fails with EPERM: kernel modules, kexec, swap, keyrings, userfaultfd, io_uring, clock setting.
 */

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Calls that act on files the caller may reach; ordinary permissions guard them. */
const FILES = words(`
  access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync
  flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 link linkat _llseek lseek lstat
  lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64
  pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice
  stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink
  unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev pipe pipe2 listmount statmount`);

const EXTENDED_ATTRIBUTES = words(`
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
  lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`);

/** Waiting for file descriptors, and asynchronous I/O of the old kind (io_uring is left out: too often a way out). */
const EVENTS = words(`
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
  io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit _newselect poll ppoll
  ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64`);

const MEMORY = words(`
  brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2
  mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
  remap_file_pages`);

/** The caller's own process and those it may signal; clone and clone3 have rules of their own. */
const PROCESSES = words(`
  execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid getpriority getrlimit
  getrusage getsid get_thread_area gettid ioprio_get ioprio_set kill pause pidfd_open pidfd_send_signal prctl prlimit64
  restart_syscall rseq sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
  sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield setpgid setpriority setrlimit setsid set_thread_area set_tid_address tgkill tkill
  ugetrlimit uretprobe vfork wait4 waitid waitpid`);

const SIGNALS = words(`
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn`);

/** Identity and privilege: capabilities and no_new_privs decide what these may change. */
const IDENTITY = words(`
  capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
  getresuid getresuid32 getuid getuid32 landlock_add_rule landlock_create_ruleset landlock_restrict_self
  lsm_get_self_attr lsm_list_modules lsm_set_self_attr seccomp setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
  setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid
  setuid32`);

/** adjtimex and clock_adjtime only read without CAP_SYS_TIME. */
const TIME = words(`
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
  clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
  timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 times`);

/** System V and POSIX interprocess communication, in the pod's own IPC namespace; futexes. */
const IPC = words(`
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list ipc mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl
  semget semop semtimedop semtimedop_time64 set_robust_list shmat shmctl shmdt shmget`);

/** socket has rules of its own; socketcall's arguments lie behind a pointer that a filter cannot read. */
const SOCKETS = words(`
  accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg
  send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`);

const SYSTEM = words('getrandom sysinfo uname');

/** Tracing within the container; from Linux 4.8 on a tracer cannot get round the filter (crib needs 5.2 anyway). */
const TRACING = words('process_vm_readv process_vm_writev ptrace');

/** Allowed to every container, whatever its arguments. */
export const ALWAYS: readonly string[] = [
  ...FILES,
  ...EXTENDED_ATTRIBUTES,
  ...EVENTS,
  ...MEMORY,
  ...PROCESSES,
  ...SIGNALS,
  ...IDENTITY,
  ...TIME,
  ...IPC,
  ...SOCKETS,
  ...SYSTEM,
  ...TRACING,
];

/** Calls that the kernel gates by a capability anyway: whoever has it in the bounding set gets them. */
export const BY_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: ['bpf'],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYS_ADMIN: words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'init_module', 'finit_module'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: words('kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
  CAP_SYS_RAWIO: ['iopl', 'ioperm'],
  CAP_SYS_TIME: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYSLOG: ['syslog'],
};

/** What differs by the machine; keys are Node's `process.arch`. A 64-bit kernel runs its 32-bit programs too. */
export const BY_ARCHITECTURE: Readonly<
  Record<string, { readonly names: readonly string[]; readonly calls: readonly string[] }>
> = {
  x64: { names: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], calls: ['arch_prctl', 'modify_ldt'] },
  arm64: {
    names: ['SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64'],
    calls: words('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
  },
  ppc64: { names: [], calls: ['sync_file_range2', 'swapcontext'] },
  s390x: {
    names: ['SCMP_ARCH_S390', 'SCMP_ARCH_S390X'],
    calls: ['s390_pci_mmio_read', 's390_pci_mmio_write', 's390_runtime_instr'],
  },
  riscv64: { names: ['SCMP_ARCH_RISCV64'], calls: ['riscv_flush_icache', 'riscv_hwprobe'] },
  loong64: { names: ['SCMP_ARCH_LOONGARCH64'], calls: [] },
};
