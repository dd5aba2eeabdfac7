package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// headSize is how many bytes typeOf looks at.
const headSize = 12

// typeZIP is an archive that may be a document; documentType says which.
const typeZIP = "application/zip"

// signatures are how the content of each type begins.
var signatures = []struct{ mediaType, begins string }{
	{"application/pdf", "%PDF-"},
	{"image/png", "\x89PNG\r\n\x1a\n"},
	{"image/jpeg", "\xff\xd8\xff"},
	{"image/tiff", "II*\x00"},
	{"image/tiff", "MM\x00*"},
	{typeZIP, "PK\x03\x04"},
}

// typeOf tells the media type from the first bytes of the content; "" is a type
// that is not taken.
func typeOf(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.begins)) {
			return s.mediaType
		}
	}
	if len(head) >= headSize && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP" { // the length stands between
		return "image/webp"
	}
	if text := bytes.TrimLeft(head, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return typeJSON // isForm looks at the rest
	}
	return ""
}

// typeJSON is an electronic form (电子表单): what plugins read. maxForm bounds it, in
// bytes; it is looked at whole.
const (
	typeJSON = "application/json"
	maxForm  = 1 << 20
)

// isForm says whether what is at hand is one JSON object or list and nothing
// else. The error is the reader's.
func isForm(text io.ReaderAt, size int64) (bool, error) {
	if size > maxForm {
		return false, nil
	}
	content := make([]byte, size)
	if _, err := text.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return utf8.Valid(content) && json.Valid(content), nil
}

// documents are the archives that are taken, by extension: what each one must
// contain. OFD is GB/T 33190; the others are ISO/IEC 29500, which lets the main
// part have any name in its folder.
var documents = map[string]struct{ mediaType, entry, folder string }{
	".ofd":  {"application/ofd", "OFD.xml", ""},
	".docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "[Content_Types].xml", "word/"},
	".xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "[Content_Types].xml", "xl/"},
}

// documentType tells the media type of an archive from its table of contents,
// which must agree with the extension; "" is a type that is not taken. The error
// is the reader's.
func documentType(name string, archive io.ReaderAt, size int64) (string, error) {
	document, ok := documents[strings.ToLower(path.Ext(name))]
	if !ok {
		return "", nil
	}
	var entry, folder bool
	err := eachEntry(archive, size, func(name string) (more bool) {
		entry = entry || name == document.entry
		folder = folder || strings.HasPrefix(name, document.folder)
		return !entry || !folder
	})
	if err != nil || !entry || !folder {
		return "", err
	}
	return document.mediaType, nil
}

// Sizes of the parts of a zip archive, in bytes (APPNOTE.TXT 4.3.12 and 4.3.16).
const (
	endSize    = 22
	maxComment = 1<<16 - 1
	headerSize = 46
)

// eachEntry gives the beginning of the name of each entry of a zip archive,
// until it is told to stop or the archive makes no sense. It does not use
// archive/zip, which reads the whole table of contents into memory: 50 MiB of it
// are a million entries. ZIP64 makes no sense for archives this small.
func eachEntry(archive io.ReaderAt, size int64, visit func(name string) (more bool)) error {
	tail := make([]byte, min(size, endSize+maxComment))
	if _, err := archive.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < endSize {
		return nil
	}
	end := tail[i:]
	count := binary.LittleEndian.Uint16(end[10:])
	length := int64(binary.LittleEndian.Uint32(end[12:]))
	start := int64(binary.LittleEndian.Uint32(end[16:]))

	table := bufio.NewReader(io.NewSectionReader(archive, start, length))
	var header [headerSize]byte
	var name [64]byte // longer than what anybody looks for
	for range count {
		if _, err := io.ReadFull(table, header[:]); err != nil {
			return unlessEnd(err)
		}
		if string(header[:4]) != "PK\x01\x02" {
			return nil
		}
		nameLength := int(binary.LittleEndian.Uint16(header[28:]))
		begins := name[:min(nameLength, len(name))]
		if _, err := io.ReadFull(table, begins); err != nil {
			return unlessEnd(err)
		}
		if !visit(string(begins)) {
			return nil
		}
		extra := int(binary.LittleEndian.Uint16(header[30:]))
		comment := int(binary.LittleEndian.Uint16(header[32:]))
		if _, err := table.Discard(nameLength - len(begins) + extra + comment); err != nil {
			return unlessEnd(err)
		}
	}
	return nil
}

// unlessEnd makes the end of a table that was promised to be longer no error.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
