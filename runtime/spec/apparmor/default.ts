/** crib's own AppArmor profile (apparmor.d(5)), for containers whose client names none or asks for the runtime's. */

export const DEFAULT_PROFILE = 'crib-default';

/** Files of the apparmor package that the profile uses where they are there. The first pins what the rules mean. */
export const INCLUDES = ['abi/3.0', 'tunables/global', 'abstractions/base'] as const;

/** What the profile's text depends on. */
export interface ProfileFacts {
  /** The profile that this process runs in; `unconfined` for most. */
  readonly own: string;
  /** Which of INCLUDES /etc/apparmor.d has. */
  readonly includes: readonly string[];
}

/**
 * What a container may not do to its host even as root: mount, change the kernel through /proc and /sys, trace or signal
 * what is not in a container of this profile. Everything else is left to capabilities, seccomp and namespaces.
 */
export function defaultProfile({ own, includes }: ProfileFacts): string {
  const preamble = includes.includes('tunables/global') ? '#include <tunables/global>' : '@{PROC}=/proc';
  const senders = [...new Set(['unconfined', 'runc', 'crun', own])];
  return [
    ...(includes.includes('abi/3.0') ? ['abi <abi/3.0>,'] : []),
    preamble,
    `profile ${DEFAULT_PROFILE} flags=(attach_disconnected,mediate_deleted) {`,
    ...(includes.includes('abstractions/base') ? ['  #include <abstractions/base>'] : []),
    '  file, network, capability, umount,',
    '  deny mount,',
    ...senders.map((peer) => `  signal (receive) peer=${peer},`),
    `  signal (send, receive) peer=${DEFAULT_PROFILE},`,
    `  ptrace (trace, tracedby, read, readby) peer=${DEFAULT_PROFILE},`,
    '  # Of /proc: no file at its top, and no sysctl but those of namespaces that a container has of its own.',
    '  deny @{PROC}/* w,',
    '  deny @{PROC}/{acpi,asound,bus,driver,fs,irq,scsi,tty}/** w,',
    '  deny @{PROC}/sys/{abi,debug,dev,fs,sunrpc,user,vm}/** w,',
    '  deny @{PROC}/sys/kernel/{[^s],[^s]?*,s,s[^h]*}{,/**} w,',
    '  deny @{PROC}/{kcore,sysrq-trigger} rwklx,',
    '  # Of /sys: nothing but cgroups.',
    '  deny /sys/{block,bus,class,dev,devices,hypervisor,kernel,module,power}/** wklx,',
    '  deny /sys/fs/{[^c],[^c]?*,c,c[^g]*}{,/**} wklx,',
    '  deny /sys/{firmware,kernel/security,devices/virtual/powercap}/** rwklx,',
    '}',
    '',
  ].join('\n');
}
