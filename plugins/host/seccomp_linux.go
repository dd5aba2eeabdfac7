//go:build linux && (amd64 || arm64)

package host

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// The filter of system calls. A check computes and answers over a socket that it
// listens on; it needs no other process, no connection and no name for anything
// outside. What it may not do fails with EPERM, so that a program which only asks
// goes on; an instruction set that is not the machine's own ends it.

// denied are the calls that fail whatever their arguments are. What touches files
// is left to landlock.
var denied = slices.Concat([]uint32{
	// Other processes: looking into them, signalling them, making them.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE,
	unix.SYS_KCMP, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_EXECVE, unix.SYS_SETPGID, unix.SYS_SETSID,
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, // a program that nobody has verified

	// Talking to anybody but the host, which connects to the plugin.
	unix.SYS_CONNECT, unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV,
	unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,

	// Leaving the sandbox, or changing the machine.
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_OPEN_TREE,
	unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_PERSONALITY, unix.SYS_QUOTACTL, unix.SYS_ACCT,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_SYSLOG, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
}, deniedHere)

// Offsets in the kernel's seccomp_data.
const (
	atNumber = 0
	atArch   = 4
	atArgs   = 16 // the low half of each argument stands first: both machines are little-endian
)

// filter writes the filter. Descriptor program is what the launcher becomes, once
// more nothing can take its place: it is closed then.
func filter(program int) []unix.SockFilter {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	const (
		allow  = unix.SECCOMP_RET_ALLOW
		kill   = unix.SECCOMP_RET_KILL_PROCESS
		eperm  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		enosys = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	var f []unix.SockFilter
	load := func(at uint32) { f = append(f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}) }
	and := func(mask uint32) {
		f = append(f, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask})
	}
	ret := func(verdict uint32) { f = append(f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}) }
	skipUnless := func(test uint16, k uint32, instructions int) {
		f = append(f, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jf: uint8(instructions), K: k})
	}
	// onlyIf lets a call pass when an argument has this value under the mask.
	onlyIf := func(argument, mask, value uint32) {
		load(atArgs + 8*argument)
		and(mask)
		skipUnless(unix.BPF_JEQ, value, 1)
		f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1}) // over the next
		ret(eperm)
	}
	// call has rules for one call; they end with a verdict.
	call := func(number uint32, rules func()) {
		load(atNumber)
		at := len(f)
		skipUnless(unix.BPF_JEQ, number, 0)
		rules()
		f[at].Jf = uint8(len(f) - at - 1)
	}

	load(atArch)
	skipUnless(unix.BPF_JEQ, arch, 1)
	f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1})
	ret(kill)
	load(atNumber)
	skipUnless(unix.BPF_JGE, 0x40000000, 1) // the numbers of x32, and those that do not exist
	ret(kill)
	for _, number := range denied {
		skipUnless(unix.BPF_JEQ, number, 1)
		ret(eperm)
	}
	// A thread is all that may be made. clone3 has its flags in memory, where a
	// filter cannot look: who is told that it does not exist uses clone.
	call(unix.SYS_CLONE3, func() { ret(enosys) })
	call(unix.SYS_CLONE, func() {
		onlyIf(0, unix.CLONE_THREAD, unix.CLONE_THREAD)
		ret(allow)
	})
	for _, number := range []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		call(number, func() {
			onlyIf(0, ^uint32(0), unix.AF_UNIX)
			onlyIf(1, 0xf, unix.SOCK_STREAM) // a datagram could be sent to any path
			ret(allow)
		})
	}
	call(unix.SYS_PRLIMIT64, func() {
		onlyIf(0, ^uint32(0), 0) // its own limits
		ret(allow)
	})
	call(unix.SYS_EXECVEAT, func() {
		onlyIf(0, ^uint32(0), uint32(program))
		onlyIf(4, ^uint32(0), unix.AT_EMPTY_PATH)
		ret(allow)
	})
	ret(allow)
	return f
}

// putFilter lays the filter down as prctl wants it, and gives its address.
func putFilter(s *steps, f []unix.SockFilter) uint64 {
	var code bytes.Buffer
	_ = binary.Write(&code, binary.NativeEndian, f)
	var fprog [16]byte
	binary.NativeEndian.PutUint16(fprog[0:], uint16(len(f)))
	binary.NativeEndian.PutUint64(fprog[8:], s.put(code.Bytes()))
	return s.put(fprog[:])
}
