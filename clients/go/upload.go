package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
)

// file is a paper to hand in.
type file struct {
	name    string
	content []byte
}

// attach sends the file beside the operation, as a GraphQL multipart request: the
// file's place in the variables is null, and the map says which part belongs there.
func attach(ctx context.Context, signed *http.Client, url string, input AttachMaterialInput, f file) (*AttachMaterialResponse, error) {
	operation, err := json.Marshal(map[string]any{"query": AttachMaterial_Operation, "variables": map[string]any{"input": input}})
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("operations", string(operation)) // a buffer takes everything
	_ = form.WriteField("map", `{"file":["variables.input.file"]}`)
	part, _ := form.CreateFormFile("file", f.name)
	_, _ = part.Write(f.content)
	_ = form.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("GraphQL-Require-Preflight", "1") // a form of another site could not
	resp, err := signed.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer answerOf[AttachMaterialResponse]
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", resp.Status, err)
	}
	return answer.data()
}
