//go:build linux && (amd64 || arm64)

package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a plugin must not do has to be settled in its own process before its own
// code runs, and Go gives no place between fork and exec. Usually a program
// executes itself once more for that; this one's initialisation alone takes 40 ms.
// So the launcher is a program of two pages that is put together here: the few
// instructions of stub_*.s and a table of system calls. It starts in less than
// half a millisecond, and needs no file to be installed.

// stub is never called: it is copied. See stub_amd64.s.
func stub()

func stubAddress() *byte

var _ = stub

const (
	textAt   = 0x10000000
	tableAt  = 0x20000000 // stub_*.s knows it
	stubSize = 256        // more than the stub; what follows it is not reached
	pageSize = 0x10000    // the largest of all kernels
)

// steps is the table of a launcher, and the data to which it points.
type steps struct {
	table bytes.Buffer
	data  bytes.Buffer
}

// dataAt leaves room for the table.
const dataAt = tableAt + 0x4000

// put lays data down and gives its address in the launcher.
func (s *steps) put(data []byte) uint64 {
	for s.data.Len()%8 != 0 {
		s.data.WriteByte(0)
	}
	at := uint64(dataAt + s.data.Len())
	s.data.Write(data)
	return at
}

// must adds a call; when it fails the launcher ends with the code, 0 ignores it.
func (s *steps) must(code int, number uintptr, args ...uint64) {
	var words [8]uint64
	words[0], words[7] = uint64(number), uint64(code)
	copy(words[1:7], args)
	_ = binary.Write(&s.table, binary.NativeEndian, words)
}

// become adds the last step: the program in the descriptor takes the launcher's
// place.
func (s *steps) become(code, fd int) {
	const last = ^uint64(0)
	path := s.put([]byte{0})
	_ = binary.Write(&s.table, binary.NativeEndian, [8]uint64{last, uint64(fd), path, 0, 0, 0, 0, uint64(code)})
}

// exit adds a last step that only ends.
func (s *steps) exit(code int) { s.must(code, unix.SYS_EXIT_GROUP, uint64(code)) }

// program writes the launcher: an ELF file with a segment for the stub and one
// for the table.
func (s *steps) program() []byte {
	const header, segment = 64, 56
	code := unsafe.Slice(stubAddress(), stubSize)
	table := make([]byte, dataAt-tableAt, dataAt-tableAt+s.data.Len())
	copy(table, s.table.Bytes())
	table = append(table, s.data.Bytes()...)

	machine := map[string]uint16{"amd64": 62, "arm64": 183}[runtime.GOARCH]
	file := make([]byte, 2*pageSize, 2*pageSize+len(table))
	file = append(file, table...)
	var head bytes.Buffer
	head.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	write := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&head, binary.LittleEndian, v)
		}
	}
	write(uint16(2), machine, uint32(1), uint64(textAt), uint64(header), uint64(0), uint32(0),
		uint16(header), uint16(segment), uint16(3), uint16(0), uint16(0), uint16(0))
	load := func(kind, flags uint32, offset, address, size uint64) {
		write(kind, flags, offset, address, address, size, size, uint64(pageSize))
	}
	const readable, writable, executable = 4, 2, 1
	load(1, readable|executable, pageSize, textAt, stubSize)
	load(1, readable|writable, 2*pageSize, tableAt, uint64(len(table)))
	load(0x6474e551, readable|writable, 0, 0, 0) // the stack is not executable
	copy(file, head.Bytes())
	copy(file[pageSize:], code)
	return file
}

// memory puts bytes into a sealed file that has no name.
func memory(name string, content []byte) (*os.File, error) {
	file, err := newMemory(name)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(content); err != nil {
		file.Close()
		return nil, err
	}
	return seal(file)
}

func newMemory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3 there was no such flag, and all were executable
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// seal makes a file unchangeable, for good and for everybody, and gives it back
// opened for reading: what is open for writing cannot be executed.
func seal(file *os.File) (*os.File, error) {
	defer file.Close()
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
}
