package files_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/files"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "cn-north-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			log.Fatal(err)
		}
	}
	m.Run()
}

// place is a store under test: its BLOB_URL, and the keys of all that it holds.
type place struct {
	url     string
	objects func() []string
}

var places = map[string]func(testing.TB) place{"folder": folder, "s3": s3}

func folder(t testing.TB) place {
	dir := filepath.Join(t.TempDir(), "made 申请材料")
	return place{url: (&url.URL{Scheme: "file", Path: dir}).String(), objects: func() []string { return below(t, dir) }}
}

func s3(t testing.TB) place {
	backend := s3mem.New()
	if err := backend.CreateBucket("materials"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return place{url: s3URL(server), objects: func() []string {
		list, err := backend.ListBucket("materials", &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, object := range list.Contents {
			keys = append(keys, object.Key)
		}
		return keys
	}}
}

func s3URL(server *httptest.Server) string {
	return "s3://materials?s3ForcePathStyle=true&endpoint=" + url.QueryEscape(server.URL)
}

// below names every file below a folder, temporary ones too.
func below(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func open(t testing.TB, blobURL string) *files.Files {
	t.Helper()
	f, err := files.Open(t.Context(), blobURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// everywhere runs a test in a folder and in S3.
func everywhere(t *testing.T, test func(*testing.T, place, *files.Files)) {
	t.Helper()
	t.Parallel()
	for name, where := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := where(t)
			test(t, p, open(t, p.url))
		})
	}
}

// wantFault fails unless err has the code and, with a problem, exactly that one
// at "file" in both languages.
func wantFault(t testing.TB, err error, code fault.Code, problem string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.ZH == "" || f.EN == "" {
		t.Errorf("%v has no words for users", err)
	}
	if problem == "" {
		return
	}
	if len(f.Problems) != 1 || f.Problems[0].Path != "file" || f.Problems[0].Code != problem || f.Problems[0].ZH == "" || f.Problems[0].EN == "" {
		t.Errorf("got problems %+v, want %s at file", f.Problems, problem)
	}
}

func wantNothing(t testing.TB, p place) {
	t.Helper()
	if left := p.objects(); len(left) != 0 {
		t.Errorf("these are left: %v", left)
	}
}

const pdf = "%PDF-1.7\n1 0 obj\n"

// archive makes a zip with these entries, deflated, with a comment that holds
// half of a signature.
func archive(t testing.TB, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.SetComment("PK\x05"); err != nil {
		t.Fatal(err)
	}
	for _, name := range entries {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Comment: "注释", Modified: time.Unix(1e9, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(entry, "<x/>"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSaveAndOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		if err := f.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Larger than one part of an upload to S3.
		content := pdf + strings.Repeat("建设工程规划许可证\n", 300_000)
		hash := sha256.Sum256([]byte(content))
		sum := hex.EncodeToString(hash[:])
		want := files.File{Key: "sha256/" + sum[:2] + "/" + sum[2:], Name: "许可证.pdf", Type: "application/pdf", Size: int64(len(content)), SHA256: sum}
		got, err := f.Save(t.Context(), "许可证.pdf", strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// Another name, another instance: the same object.
		want.Name = "copy.pdf"
		got, err = open(t, p.url).Save(t.Context(), "copy.pdf", strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{want.Key}, p.objects()); diff != "" {
			t.Error(diff)
		}
		r, err := f.Open(t.Context(), got.Key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if string(back) != content {
			t.Errorf("%d other bytes came back for %d", len(back), len(content))
		}
	})
}

func TestTheSameContentAtTheSameTime(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		var wg sync.WaitGroup
		var kept [20]files.File
		for i := range kept {
			wg.Go(func() {
				var err error
				if kept[i], err = f.Save(t.Context(), "图.png", strings.NewReader("\x89PNG\r\n\x1a\n"+strings.Repeat("x", 1<<20))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, file := range kept {
			if diff := cmp.Diff(kept[0], file); diff != "" {
				t.Error(diff)
			}
		}
		if diff := cmp.Diff([]string{kept[0].Key}, p.objects()); diff != "" {
			t.Error(diff)
		}
	})
}

// long generates a PDF of n bytes.
func long(n int64) io.Reader {
	return io.MultiReader(strings.NewReader(pdf), io.LimitReader(zeros{}, n-int64(len(pdf))))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSizes(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		_, err := f.Save(t.Context(), "a.pdf", long(files.MaxSize+1))
		wantFault(t, err, fault.Invalid, "TOO_LARGE")
		if !strings.Contains(err.Error(), "50 MiB") {
			t.Errorf("the limit is not told: %v", err)
		}
		_, err = f.Save(t.Context(), "a.pdf", strings.NewReader(""))
		wantFault(t, err, fault.Invalid, "EMPTY")
		wantNothing(t, p)

		file, err := f.Save(t.Context(), "a.pdf", long(files.MaxSize))
		if err != nil || file.Size != files.MaxSize {
			t.Errorf("the largest file: %+v %v", file, err)
		}
	})
}

// TestMemory is not parallel: it measures what the whole process takes.
func TestMemory(t *testing.T) {
	f := open(t, folder(t).url)
	if _, err := f.Save(t.Context(), "first.pdf", strings.NewReader(pdf)); err != nil {
		t.Fatal(err)
	}
	const size, limit = 40 << 20, 4 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := f.Save(t.Context(), "a.pdf", long(size)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > limit {
		t.Errorf("a file of %d bytes took %d bytes of memory, more than %d", size, took, limit)
	}

	// A million entries of a zip must not be a million values in memory.
	entry := "PK\x01\x02" + strings.Repeat("\x00", 42)
	bomb := io.MultiReader(strings.NewReader("PK\x03\x04"), strings.NewReader(strings.Repeat(entry, 1<<20)),
		strings.NewReader("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\xe0\x02\x04\x00\x00\x00\x00\x00"))
	runtime.ReadMemStats(&before)
	_, err := f.Save(t.Context(), "a.docx", bomb)
	wantFault(t, err, fault.Invalid, "UNSUPPORTED_TYPE")
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > limit {
		t.Errorf("a table of contents took %d bytes of memory, more than %d", took, limit)
	}
}

var errBroken = errors.New("the line is cut")

// failing gives a reader whose content ends with an error after n bytes.
func failing(n int64, err error) io.Reader {
	return io.MultiReader(long(n), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestBrokenUploads(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		for name, content := range map[string]io.Reader{
			"at once":       failing(int64(len(pdf)), errBroken),
			"midway":        failing(10<<20, errBroken),
			"before a byte": readerFunc(func([]byte) (int, error) { return 0, errBroken }),
		} {
			_, err := f.Save(t.Context(), "a.pdf", content)
			wantFault(t, err, fault.Invalid, "INCOMPLETE")
			if !errors.Is(err, errBroken) {
				t.Errorf("%s: the cause is lost: %v", name, err)
			}
		}
		_, err := f.Save(t.Context(), "a.pdf", failing(1<<20, io.ErrUnexpectedEOF)) // so multipart says it
		wantFault(t, err, fault.Invalid, "INCOMPLETE")
		wantNothing(t, p)
	})
}

func TestCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		for name, after := range map[string]int64{"midway": 5 << 20, "at the end": 20 << 20} {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			end := readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })
			_, err := f.Save(ctx, "a.pdf", io.MultiReader(long(after), end, io.LimitReader(zeros{}, 20<<20-after)))
			wantFault(t, err, fault.Unavailable, "")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: the cause is lost: %v", name, err)
			}
			wantNothing(t, p)
		}
	})
}

func TestTypes(t *testing.T) {
	t.Parallel()
	const (
		docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
		xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	)
	word := archive(t, "[Content_Types].xml", "_rels/.rels", "word/document2.xml")
	sheet := archive(t, "xl/workbook.xml", "[Content_Types].xml")
	ofd := archive(t, "Doc_0/Document.xml", "OFD.xml")
	for _, c := range []struct{ name, content, want string }{
		{"a.pdf", pdf, "application/pdf"},
		{"a", pdf, "application/pdf"},
		{"a.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"},
		{"a.pdf", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"}, // the content decides
		{"a.docx", pdf, "application/pdf"},
		{"a.tif", "II*\x00\x08\x00\x00\x00", "image/tiff"},
		{"a.tif", "MM\x00*\x00\x00\x00\x08", "image/tiff"},
		{"a.webp", "RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"},
		{"a.DOCX", word, docx},
		{"a.xlsx", sheet, xlsx},
		{"公文.ofd", ofd, "application/ofd"},
		{"form.json", `{"exits": [{"width": "1.2"}]}`, "application/json"},
		{"a.pdf", " \n[1, 2]\n", "application/json"},

		{"a.json", `{"exits": `, ""},
		{"a.json", `{"a": 1} {"b": 2}`, ""},
		{"a.json", `"text"`, ""},
		{"a.json", "{\"a\": \"\xff\"}", ""},
		{"a.json", "[" + strings.Repeat("1,", 1<<19) + "1]", ""}, // larger than a form

		{"a.pdf", "MZ\x90\x00\x03\x00\x00\x00", ""},
		{"a.pdf", "hello", ""},
		{"a.pdf", "%", ""},
		{"a.pdf", "<html><script>alert(1)</script>", ""},
		{"a.png", "<svg xmlns='http://www.w3.org/2000/svg'/>", ""},
		{"a.webp", "RIFF\x24\x00\x00\x00WAVEfmt ", ""},
		{"a.txt", "申请书", ""},
		{"a.ofd", word, ""},
		{"a.xlsx", word, ""},
		{"a.docx", sheet, ""},
		{"a.docm", word, ""},
		{"a.zip", word, ""},
		{"a.pdf", word, ""},
		{"a", ofd, ""},
		{"a.docx", archive(t, "readme.txt"), ""},
		{"a.docx", archive(t), ""},
		{"a.docx", word[:len(word)/2], ""},
		{"a.docx", word[:len(word)-10], ""},
		{"a.docx", "PK\x03\x04", ""},
		{"a.docx", "PK\x03\x04PK\x05\x06" + strings.Repeat("\xff", 18), ""},
		{"a.docx", "PK\x03\x04PK\x05\x06", ""},
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			p := folder(t)
			file, err := open(t, p.url).Save(t.Context(), c.name, strings.NewReader(c.content))
			if c.want == "" {
				wantFault(t, err, fault.Invalid, "UNSUPPORTED_TYPE")
				wantNothing(t, p)
				return
			}
			if err != nil || file.Type != c.want {
				t.Errorf("%s with %.20q: got %q %v, want %q", c.name, c.content, file.Type, err, c.want)
			}
		})
	}
}

func TestAnUnsupportedTypeIsRefusedEarly(t *testing.T) {
	t.Parallel()
	_, err := open(t, folder(t).url).Save(t.Context(), "a.iso", zeros{}) // never ends
	wantFault(t, err, fault.Invalid, "UNSUPPORTED_TYPE")
}

func TestNames(t *testing.T) {
	t.Parallel()
	p := folder(t)
	f := open(t, p.url)
	var key string
	for name, want := range map[string]string{
		"许可证.pdf":                          "许可证.pdf",
		"../../etc/passwd":                 "passwd",
		"/":                                "unnamed",
		"..":                               "unnamed",
		"a/..":                             "unnamed",
		"":                                 "unnamed",
		" . ":                              "unnamed",
		".pdf":                             "unnamed.pdf",
		`C:\Users\张三\身份证.jpg`:              "身份证.jpg",
		"a\x00b.pdf":                       "ab.pdf",
		"a\r\nSet-Cookie: x.pdf":           "aSet-Cookie: x.pdf",
		"a\u2028b\u0085.pdf":               "ab.pdf",
		"photo\u202efdp.exe":               "photofdp.exe",
		"\xff\xfebad.pdf":                  "bad.pdf",
		" a .pdf. ":                        "a.pdf",
		strings.Repeat("长", 300) + ".pdf":  strings.Repeat("长", 196) + ".pdf",
		"a." + strings.Repeat("长", 300):    "a." + strings.Repeat("长", 198),
		"../" + strings.Repeat("a/", 5000): "unnamed",
	} {
		file, err := f.Save(t.Context(), name, strings.NewReader(pdf))
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if file.Name != want || !utf8.ValidString(file.Name) || utf8.RuneCountInString(file.Name) > 200 {
			t.Errorf("%.40q became %q, want %q", name, file.Name, want)
		}
		key = file.Key
	}
	if diff := cmp.Diff([]string{key}, p.objects()); diff != "" {
		t.Error(diff)
	}
}

func TestOpenTakesOurKeysOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, f *files.Files) {
		file, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{
			"", "/", ".", "..", "../secret", "sha256/../../secret", "sha256/ab/../../../etc/passwd",
			"sha256/" + file.SHA256[:2], "sha256/" + file.SHA256[:2] + "/..", "./" + file.Key, "/" + file.Key, file.Key + "/", file.Key + "\n",
			strings.ToUpper(file.Key), file.Key + ".attrs", ".spool/x.tmp", "sha256/00/" + strings.Repeat("0", 62),
		} {
			r, err := f.Open(t.Context(), key)
			wantFault(t, err, fault.NotFound, "")
			if r != nil {
				t.Errorf("%q gave a reader", key)
			}
		}
	})
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	absent := "sha256/00/" + strings.Repeat("0", 62)
	wantAway := func(t *testing.T, f *files.Files) {
		t.Helper()
		_, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
		wantFault(t, err, fault.Unavailable, "")
		if errors.Unwrap(err) == nil {
			t.Errorf("the cause is lost: %v", err)
		}
		_, err = f.Open(t.Context(), absent)
		wantFault(t, err, fault.Unavailable, "")
		wantFault(t, f.Ping(t.Context()), fault.Unavailable, "")
	}

	t.Run("the folder is gone", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "files")
		f := open(t, "file://"+dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		wantAway(t, f)
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Error("a missing folder, perhaps a disk that is not mounted, was made again")
		}
	})
	t.Run("the folder became a file", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "files")
		f := open(t, "file://"+dir)
		if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		wantAway(t, f)
	})
	t.Run("the spool works and the bucket does not", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		f := open(t, "file://"+dir)
		if err := os.WriteFile(filepath.Join(dir, "sha256"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
		wantFault(t, err, fault.Unavailable, "")
		if diff := cmp.Diff([]string{"sha256"}, below(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("S3 refuses", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		t.Cleanup(server.Close)
		wantAway(t, open(t, s3URL(server)))
	})
	t.Run("S3 has no such bucket", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(server.Close)
		wantAway(t, open(t, s3URL(server)))
	})
	t.Run("S3 hangs", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		hang := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-hang }))
		t.Cleanup(func() { close(hang); server.Close() })
		_, err := open(t, s3URL(server)).Save(ctx, "a.pdf", strings.NewReader(pdf))
		wantFault(t, err, fault.Unavailable, "")
	})
}

func TestAHalfFileIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, "file://"+dir)
	file, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, file.Key)
	if err := os.Truncate(kept, 3); err != nil { // what another program did
		t.Fatal(err)
	}
	if _, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != pdf {
		t.Errorf("got %q %v", b, err)
	}
}

func TestOpenSweepsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, err := open(t, "file://"+dir).Save(t.Context(), "a.pdf", strings.NewReader(pdf))
	if err != nil {
		t.Fatal(err)
	}
	young, old := time.Now().Add(-50*time.Minute), time.Now().Add(-61*time.Minute)
	for name, written := range map[string]time.Time{
		".spool/young.tmp": young, ".spool/old.tmp": old,
		file.Key + ".1.tmp": young, file.Key + ".2.tmp": old,
		file.Key: old, "old.tmp": old, // neither is ours to sweep
	} {
		name = filepath.Join(dir, name)
		h, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.Close(), os.Chtimes(name, written, written)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, "file://"+dir)
	if diff := cmp.Diff([]string{".spool/young.tmp", "old.tmp", file.Key, file.Key + ".1.tmp"}, below(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestOpenMakesAPrivateFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "files")
	f := open(t, "file://"+dir)
	file, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".spool", "sha256", filepath.Dir(file.Key)} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%q has mode %v", name, info.Mode())
		}
	}
}

// TestTheSpoolForS3 is not parallel: it moves the folder of temporary files.
func TestTheSpoolForS3(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	p := s3(t)
	f := open(t, p.url)
	if _, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf)); err != nil {
		t.Fatal(err)
	}
	_, err := f.Save(t.Context(), "a.pdf", failing(1<<20, errBroken))
	wantFault(t, err, fault.Invalid, "INCOMPLETE")
	if left := below(t, dir); len(left) != 0 {
		t.Errorf("these are left: %v", left)
	}
	spools, err := os.ReadDir(dir)
	if err != nil || len(spools) != 1 {
		t.Fatalf("got %v %v, want one folder", spools, err)
	}
	spool := filepath.Join(dir, spools[0].Name())
	if info, err := os.Stat(spool); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	// Somebody else's link in a shared temporary folder is not followed.
	if err := errors.Join(os.Remove(spool), os.Symlink(t.TempDir(), spool)); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Open(t.Context(), p.url); err == nil || !strings.Contains(err.Error(), "BLOB_URL") {
		t.Errorf("a link was taken for the spool: %v", err)
	}
}

// TestARelativeFolder is not parallel: it changes the working directory.
func TestARelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	f := open(t, "file:data/%E6%96%87%E4%BB%B6")
	file, err := f.Save(t.Context(), "a.pdf", strings.NewReader(pdf))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("data", "文件", file.Key)); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, blobURL := range []string{
		"", "data/files", "/data/files", "http://store", "mem://", "gs://bucket", "C:\\files", "\x00",
		"file:", "file://", "file:///", "file:.", "file://data/files", "file:///a?create_dir=1", "file:///a#b", "file:%zz",
		"file://" + taken, "file://" + taken + "/below",
		"s3:", "s3://", "s3:bucket", "s3://bucket/path", "s3://bucket?regoin=x", "s3://key:hunter2@bucket",
	} {
		f, err := files.Open(t.Context(), blobURL)
		if err == nil {
			t.Errorf("%q was taken: %v", blobURL, f.Close())
			continue
		}
		if text := err.Error(); !strings.Contains(text, "BLOB_URL") || strings.ContainsAny(text, "\n\r") || strings.Contains(text, "hunter2") {
			t.Errorf("%q: %q", blobURL, text)
		}
	}
}

func ExampleFiles_Save() {
	dir, err := os.MkdirTemp("", "onedoor-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	f, err := files.Open(ctx, "file://"+dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	file, err := f.Save(ctx, "../营业执照.png", strings.NewReader("%PDF-1.7\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Name, file.Type, file.Size, file.Key[:13])
	// Output: 营业执照.png application/pdf 9 sha256/07/16f
}
