package protocol

import (
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

const (
	// maxFiles bounds the files of a request, and the places where they are put.
	maxFiles = 20
	// maxPart bounds the two parts that are no files, in bytes.
	maxPart = 1 << 20
)

// preflightHeaders are those of which a request with files has to have one. A
// browser sends a form of another site without asking first, and from within the
// user's network; with one of these headers it has to ask. A token is none of them,
// though no browser adds it by itself: the rule is the same for everybody, and whoever
// forgets the header learns it before somebody signs in by other means.
var preflightHeaders = []string{"GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Apollo-Operation-Name", "Idempotency-Key"}

// mayBeForged says whether a request may be a form of another site.
func (h *Handler) mayBeForged(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && !Permits(h.Origins, origin, r.Host) {
		return true
	}
	return !slices.ContainsFunc(preflightHeaders, func(name string) bool { return r.Header.Get(name) != "" })
}

func badForm(zh, en string) *refusal { return badRequest("MULTIPART", zh, en) }

// readForm reads a request with files (the GraphQL multipart request
// specification): the operation, the places of the files, the files. Each file is
// kept on disk until the request is done.
func (h *Handler) readForm(q *request, w http.ResponseWriter, r *http.Request, boundary string) *refusal {
	if h.mayBeForged(r) {
		return &refusal{status: http.StatusForbidden, err: invalid("PREFLIGHT", "带文件的请求须有请求头 GraphQL-Require-Preflight: 1", "a request with files has the header GraphQL-Require-Preflight: 1")}
	}
	if boundary == "" {
		return badForm("Content-Type 缺少 boundary", "the Content-Type has no boundary")
	}
	if r.ContentLength > maxUpload {
		return cutOff(&http.MaxBytesError{Limit: maxUpload})
	}
	parts := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxUpload), boundary)
	operation, refused := readPart(parts, "operations")
	if refused != nil {
		return refused
	}
	if refused := h.readJSON(q, operation); refused != nil {
		return refused
	}
	text, refused := readPart(parts, "map")
	if refused != nil {
		return refused
	}
	places, refused := q.readPlaces(text)
	if refused != nil {
		return refused
	}
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // NextPart says so
			break
		}
		if err != nil {
			return formCut(err)
		}
		put, ok := places[part.FormName()]
		if !ok {
			return badForm("有一个部分不在 map 里", "there is a part that map does not name")
		}
		delete(places, part.FormName())
		if refused := q.keep(part, put); refused != nil {
			return refused
		}
	}
	if len(places) > 0 {
		return badForm("map 里的文件没有都给出", "a file that map names is missing")
	}
	return nil
}

func formCut(err error) *refusal {
	if refused := cutOff(err); refused.status != http.StatusBadRequest {
		return refused
	}
	return badForm("multipart 无法解析", "the multipart form cannot be read")
}

// readPart reads the next part, which has a name and is no file.
func readPart(parts *multipart.Reader, name string) ([]byte, *refusal) {
	part, err := parts.NextPart()
	if err != nil && err != io.EOF { //nolint:errorlint // NextPart says so
		return nil, formCut(err)
	}
	if err != nil || part.FormName() != name {
		return nil, badForm("各部分的次序须为 operations、map、文件", "the parts are operations, map, and then the files")
	}
	text, err := io.ReadAll(io.LimitReader(part, maxPart+1))
	switch {
	case err != nil:
		return nil, formCut(err)
	case len(text) > maxPart:
		return nil, cutOff(&http.MaxBytesError{Limit: maxPart})
	}
	return text, nil
}

// readPlaces reads where the files go: each place of the variables holds null and
// is named once.
func (q *request) readPlaces(text []byte) (map[string][]func(graphql.Upload), *refusal) {
	if refused := checkJSON(text, "map"); refused != nil {
		return nil, refused
	}
	var paths map[string][]string
	if json.Unmarshal(text, &paths) != nil || paths == nil {
		return nil, badForm("map 须为 JSON 对象：部分的名字到变量路径的列表", "map is a JSON object of the parts' names and the paths of their variables")
	}
	places := map[string][]func(graphql.Upload){}
	named := map[string]bool{}
	for name, list := range paths {
		if len(list) == 0 {
			return nil, badForm("map 里有文件没有路径", "a file in map has no path")
		}
		for _, path := range list {
			put, ok := q.place(path)
			if !ok || named[path] {
				return nil, badForm("map 的路径须各指向变量里的一个 null，如 variables.file", "each path in map is that of one null in the variables, such as variables.file")
			}
			named[path] = true
			places[name] = append(places[name], put)
		}
	}
	if len(named) > maxFiles {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, err: invalid("TOO_MANY_FILES", "一次最多 "+strconv.Itoa(maxFiles)+" 个文件", "a request has at most "+strconv.Itoa(maxFiles)+" files")}
	}
	return places, nil
}

// place finds a null in the variables; what it gives puts a file there.
func (q *request) place(path string) (func(graphql.Upload), bool) {
	steps := strings.Split(path, ".")
	if len(steps) < 2 || steps[0] != "variables" {
		return nil, false
	}
	var at any = q.Variables
	var put func(graphql.Upload)
	for _, step := range steps[1:] {
		switch holder := at.(type) {
		case map[string]any:
			value, ok := holder[step]
			if !ok {
				return nil, false
			}
			at, put = value, func(u graphql.Upload) { holder[step] = u }
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(holder) {
				return nil, false
			}
			at, put = holder[i], func(u graphql.Upload) { holder[i] = u }
		default:
			return nil, false
		}
	}
	return put, at == nil
}

// keep writes a file to disk and puts it in its places, each with a reading
// position of its own.
func (q *request) keep(part *multipart.Part, places []func(graphql.Upload)) *refusal {
	failed := func(err error) *refusal {
		return &refusal{status: http.StatusServiceUnavailable, err: storageAway(err)}
	}
	file, err := os.CreateTemp("", "onedoor-upload-")
	if err != nil {
		return failed(err)
	}
	q.files, q.open = append(q.files, file.Name()), append(q.open, file)
	source := &watched{Reader: part}
	size, err := io.Copy(file, source)
	switch {
	case source.err != nil:
		return formCut(source.err)
	case err != nil:
		return failed(err)
	}
	for _, put := range places {
		put(graphql.Upload{
			File:        io.NewSectionReader(file, 0, size),
			Size:        size,
			Filename:    baseName(part.FileName()),
			ContentType: part.Header.Get("Content-Type"),
		})
	}
	return nil
}

// watched remembers that it was the reading that failed, not the writing.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's end
		w.err = err
	}
	return n, err
}

// baseName gives the name of a file without its folders, also those of Windows,
// and without what no name holds.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return -1
		}
		return c
	}, name)
	if name == "." || name == ".." {
		return ""
	}
	return name
}
