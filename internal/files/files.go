// Package files keeps the materials that applicants upload (申请材料) in a
// folder or in an S3-compatible store. A file is kept under the hash of its
// content: the same bytes are one object, and what is kept never changes.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // s3:// in blob.OpenBucket
	"gocloud.dev/gcerrors"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
)

// MaxSize is how large a file may be, in bytes.
const MaxSize = 50 << 20

// spoolLife is how long a temporary file may go without being written to. An
// upload that is alive writes far more often; what is older was left by a crash.
const spoolLife = time.Hour

// partSize bounds what one upload to S3 holds in memory, in bytes: the least
// that S3 takes for a part.
const partSize = 5 << 20

// File says what was kept: Key is where Open finds it ("sha256/ab/cdef…"), Name
// is for people only (the last part of the client's path, cleaned, never empty),
// Type is the media type that the content has, whatever the client called it,
// Size is 1 to MaxSize bytes, SHA256 has 64 lower-case hexadecimal digits.
type File = casework.File

var _ casework.Files = (*Files)(nil)

// Files is a store of files. It may be used by many goroutines at once.
type Files struct {
	bucket *blob.Bucket
	spool  string // the folder of uploads that are on their way
	folder string // the bucket's folder; "" for S3
}

// Open opens the store that BLOB_URL names:
//
//	file:///var/lib/onedoor/files   a folder, made with mode 0700 if need be
//	file:data/files                 the same, below the working directory
//	s3://bucket?region=cn-north-1&endpoint=https://minio.example:9000&s3ForcePathStyle=true
//
// Of S3's parameters, region may also come from AWS_REGION; endpoint names a
// store other than Amazon's; s3ForcePathStyle=true is for stores that do not
// put the bucket in the host name; prefix=onedoor/ shares a bucket; and
// request_checksum_calculation=when_required is for stores that do not know
// S3's newer checksums. https://gocloud.dev/howto/blob lists the others.
// Credentials come from the standard AWS variables and files, never from the
// URL. S3 is not asked for anything yet: see Ping.
//
// The error is one line that names BLOB_URL.
func Open(ctx context.Context, blobURL string) (*Files, error) {
	// What url.Parse says quotes the URL, in which somebody may have put a password.
	u, err := url.Parse(blobURL)
	if err != nil {
		return nil, errors.New("files.Open: BLOB_URL is not a URL")
	}
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("files.Open: BLOB_URL has a user, a password or a #: credentials come from AWS_ACCESS_KEY_ID and its kin, and # is written %23")
	}
	var f *Files
	switch u.Scheme {
	case "file":
		f, err = openFolder(u)
	case "s3":
		f, err = openS3(ctx, u)
	default:
		err = errors.New("must be file:///folder, file:folder or s3://bucket?region=…")
	}
	if err != nil {
		return nil, fmt.Errorf("files.Open: BLOB_URL: %w", err)
	}
	sweep(f.spool)
	if f.folder != "" {
		sweep(filepath.Join(f.folder, "sha256")) // fileblob writes beside its target
	}
	return f, nil
}

func openFolder(u *url.URL) (*Files, error) {
	folder, err := u.Path, error(nil)
	if u.Opaque != "" {
		folder, err = url.PathUnescape(u.Opaque)
	}
	switch {
	case err != nil:
		return nil, err
	case u.Host != "" && u.Host != "localhost":
		return nil, fmt.Errorf("%q stands where a host would; write file:///folder or file:folder", u.Host)
	case u.RawQuery != "":
		return nil, errors.New("file: takes no parameters")
	case strings.Trim(folder, "/.") == "":
		return nil, errors.New("file: needs a folder of its own")
	}
	if folder, err = filepath.Abs(filepath.FromSlash(folder)); err != nil {
		return nil, err
	}
	spool := filepath.Join(folder, ".spool") // the same disk has room for both or for neither
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, err
	}
	bucket, err := fileblob.OpenBucket(folder, &fileblob.Options{
		DirFileMode: 0o700,
		NoTempDir:   true, // a rename is atomic within one disk only
		Metadata:    fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, err
	}
	return &Files{bucket: bucket, spool: spool, folder: folder}, nil
}

func openS3(ctx context.Context, u *url.URL) (*Files, error) {
	if u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("s3: needs a bucket and takes no path; for a folder in the bucket add prefix=folder/")
	}
	// In a temporary folder that others may write to, too: what stands there
	// under our name must be a folder, and each file in it is reached by its
	// handle, never by its name.
	spool := filepath.Join(os.TempDir(), fmt.Sprintf("onedoor-spool-%d", os.Getuid()))
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(spool); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder; set TMPDIR to a folder of our own", spool)
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, err
	}
	return &Files{bucket: bucket, spool: spool}, nil
}

// sweep removes what a crash left below a folder. What cannot be removed costs
// room and nothing else, so it does not keep the program from starting.
func sweep(folder string) {
	_ = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".tmp" {
			return nil
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > spoolLife {
			_ = os.Remove(name)
		}
		return nil
	})
}

// Close ends the use of the store. Uploads that are still on their way fail.
func (f *Files) Close() error { return f.bucket.Close() }

// Ping says whether files can be kept now: whether there is a place for uploads
// and the bucket answers. The fault is UNAVAILABLE.
func (f *Files) Ping(ctx context.Context) error {
	const op = "files.Ping"
	probe, err := os.CreateTemp(f.spool, "*.tmp")
	if err != nil {
		return unavailable(op, err)
	}
	discard(probe)
	if err := f.answers(ctx); err != nil {
		return unavailable(op, err)
	}
	return nil
}

// answers says whether the bucket is there.
func (f *Files) answers(ctx context.Context) error {
	if f.folder != "" {
		_, err := os.Stat(f.spool) // fileblob finds a missing folder accessible
		return err
	}
	ok, err := f.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = errors.New("there is no such bucket")
	}
	return err
}

// Save keeps the content and returns what it is. It holds no more than a few
// buffers in memory, and has kept either the whole file when it returns, safe
// from a loss of power, or nothing. Saving the same content again costs
// nothing and gives the same key.
//
// The fault is INVALID with one problem at "file" when the content is empty
// (EMPTY), larger than MaxSize (TOO_LARGE), of a type that is not taken
// (UNSUPPORTED_TYPE), or cannot be read to its end (INCOMPLETE). It is
// UNAVAILABLE when the disk is full, the store is away or ctx is over; the same
// call may succeed later.
//
// A Read of the content that hangs is not interrupted: whoever cancels ctx
// closes the content, as net/http does.
func (f *Files) Save(ctx context.Context, name string, content io.Reader) (File, error) {
	const op = "files.Save"
	spool, err := os.CreateTemp(f.spool, "*.tmp")
	if err != nil {
		return File{}, unavailable(op, err)
	}
	defer discard(spool)

	file := File{Name: cleanName(name)}
	if err := receive(ctx, &file, spool, content); err != nil {
		return File{}, err
	}
	if err := f.keep(ctx, file, spool); err != nil {
		return File{}, unavailable(op, err)
	}
	return file, nil
}

// receive writes the content to the spool and fills in the file.
func receive(ctx context.Context, file *File, spool *os.File, content io.Reader) error {
	const op = "files.Save"
	in := &source{ctx: ctx, content: content}
	head := make([]byte, headSize)
	n, err := io.ReadFull(in, head)
	head = head[:n]
	switch {
	case in.err != nil:
		return in.fault(op)
	case errors.Is(err, io.EOF):
		return fault.InvalidInput(op, fault.Problem{Path: "file", Code: "EMPTY", ZH: "文件是空的，请重新选择文件", EN: "the file is empty; choose another one"})
	}
	if file.Type = typeOf(head); file.Type == "" {
		return unsupported(op) // before 50 MiB of it have come
	}

	hash := sha256.New()
	out := io.MultiWriter(spool, hash)
	if _, err := out.Write(head); err != nil {
		return unavailable(op, err)
	}
	rest, err := io.Copy(out, io.LimitReader(in, MaxSize+1-int64(n)))
	file.Size = int64(n) + rest
	switch {
	case in.err != nil:
		return in.fault(op)
	case err != nil:
		return unavailable(op, err)
	case file.Size > MaxSize:
		const mebibytes = MaxSize >> 20
		return fault.InvalidInput(op, fault.Problem{
			Path: "file", Code: "TOO_LARGE",
			ZH: fmt.Sprintf("文件不能超过 %d MB，请压缩或拆分后再上传", mebibytes),
			EN: fmt.Sprintf("a file has at most %d MiB; compress it or divide it", mebibytes),
		})
	}
	switch file.Type {
	case typeZIP:
		if file.Type, err = documentType(file.Name, spool, file.Size); err != nil {
			return unavailable(op, err)
		}
		if file.Type == "" {
			return unsupported(op)
		}
	case typeJSON:
		form, err := isForm(spool, file.Size)
		if err != nil {
			return unavailable(op, err)
		}
		if !form {
			return unsupported(op)
		}
	}
	file.SHA256 = hex.EncodeToString(hash.Sum(nil))
	file.Key = KeyOf(file.SHA256)
	return nil
}

// keep puts the spooled file in the bucket, unless it is there already.
func (f *Files) keep(ctx context.Context, file File, spool *os.File) error {
	attributes, err := f.bucket.Attributes(ctx, file.Key)
	switch {
	case err == nil && attributes.Size == file.Size:
		return f.settle(file.Key)
	case err != nil && gcerrors.Code(err) != gcerrors.NotFound:
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var temp *os.File // what fileblob writes to
	w, err := f.bucket.NewWriter(ctx, file.Key, &blob.WriterOptions{
		ContentType:    file.Type,
		BufferSize:     partSize,
		MaxConcurrency: 1,
		BeforeWrite:    func(as func(any) bool) error { as(&temp); return nil },
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, &source{ctx: ctx, content: spool})
	if err == nil && temp != nil {
		err = temp.Sync() // before it gets its name: a name never stands for less than the whole
	}
	if err != nil {
		cancel() // so that Close gives up what was written
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.settle(file.Key)
}

// settle makes the name of a file in a folder last, too.
func (f *Files) settle(key string) error {
	if f.folder == "" || runtime.GOOS == "windows" { // which cannot sync a folder
		return nil
	}
	for folder := filepath.Dir(filepath.FromSlash(key)); ; folder = filepath.Dir(folder) {
		d, err := os.Open(filepath.Join(f.folder, folder))
		if err != nil {
			return err
		}
		err = d.Sync()
		_ = d.Close()
		if err != nil || folder == "." {
			return err
		}
	}
}

// KeyOf gives the key under which a content is kept, by its SHA-256 in hex.
func KeyOf(sha256 string) string { return "sha256/" + sha256[:2] + "/" + sha256[2:] }

// keys are what Save gives. Nothing else reaches the bucket.
var keys = regexp.MustCompile(`^sha256/[0-9a-f]{2}/[0-9a-f]{62}$`)

// Open gives the content of a kept file. The caller closes it; ctx must last
// until then. The fault is NOT_FOUND when there is no such file, also when the
// key is none of ours, and UNAVAILABLE when the store does not answer.
func (f *Files) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	const op = "files.Open"
	notFound := fault.New(fault.NotFound, op, "没有这个文件", "there is no such file")
	if !keys.MatchString(key) {
		return nil, notFound
	}
	r, err := f.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		if err := f.answers(ctx); err != nil {
			return nil, unavailable(op, err) // the whole store is missing, not this file
		}
		notFound.Err = err
		return nil, notFound
	}
	if err != nil {
		return nil, unavailable(op, err)
	}
	return r, nil
}

// source reads until the context is over, and remembers its own failure: the
// reader's and the writer's must not be taken for each other.
type source struct {
	ctx     context.Context
	content io.Reader
	err     error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = context.Cause(s.ctx); s.err != nil {
		return 0, s.err
	}
	n, err := s.content.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// fault says why the content was not read to its end.
func (s *source) fault(op string) error {
	if s.ctx.Err() != nil {
		return unavailable(op, context.Cause(s.ctx))
	}
	broken := fault.InvalidInput(op, fault.Problem{Path: "file", Code: "INCOMPLETE", ZH: "文件没有传完，请重新上传", EN: "the upload broke off; send the file again"})
	broken.Err = s.err
	return broken
}

func unsupported(op string) error {
	return fault.InvalidInput(op, fault.Problem{
		Path: "file", Code: "UNSUPPORTED_TYPE",
		ZH: "文件的内容不是 PDF、PNG、JPEG、WebP、TIFF、OFD、DOCX、XLSX（后三种还须用相应的扩展名）或 1 MB 以内的 JSON 电子表单，请转换后再上传",
		EN: "the content is not PDF, PNG, JPEG, WebP, TIFF, OFD, DOCX, XLSX (the last three also need their extension) or a JSON form of 1 MiB at most; convert it",
	})
}

func unavailable(op string, err error) error {
	return &fault.Error{Code: fault.Unavailable, Op: op, ZH: "材料存储暂时不可用，请稍后再试", EN: "the store of files does not answer; try again", Err: err}
}

func discard(spool *os.File) {
	_ = spool.Close()
	_ = os.Remove(spool.Name()) // sweep gets what stays
}
