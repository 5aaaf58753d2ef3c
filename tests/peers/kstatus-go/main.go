// Program kstatus-go runs the status library that Helm 4.3.2 uses (github.com/fluxcd/cli-utils v1.2.2) and
// client-go's JSONPath on the requests it reads, for comparison with windlass-kstatus.
//
// Each line of standard input is one request, each line of standard output its answer:
//
//	{"object": {...}}                      -> {"status", "message", "conditions"} or {"error"}
//	{"object": {...}, "augment": true}     -> {"object"} or {"error"}; times are replaced by "now"
//	{"path": "{.a.b}", "data": {...}}      -> {"results": [...]} or {"error"}
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

type answer struct {
	Error      string                 `json:"error,omitempty"`
	Status     string                 `json:"status,omitempty"`
	Message    string                 `json:"message,omitempty"`
	Conditions []condition            `json:"conditions,omitempty"`
	Object     map[string]interface{} `json:"object,omitempty"`
	Results    []interface{}          `json:"results,omitempty"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 64<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for input.Scan() {
		line, err := json.Marshal(respond(input.Bytes()))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		output.Write(append(line, '\n'))
	}
	if err := input.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func respond(line []byte) (result answer) {
	defer func() {
		if reason := recover(); reason != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", reason)}
		}
	}()
	// Kubernetes' own decoder for unstructured content: integers become int64, other numbers float64.
	var fields map[string]interface{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return answer{Error: "request: " + err.Error()}
	}
	if path, ok := fields["path"].(string); ok {
		return find(path, fields["data"])
	}
	object, ok := fields["object"].(map[string]interface{})
	if !ok {
		return answer{Error: "request: no object"}
	}
	resource := &unstructured.Unstructured{Object: object}
	if augment, _ := fields["augment"].(bool); augment {
		if err := status.Augment(resource); err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Object: resource.Object}
	}
	computed, err := status.Compute(resource)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result = answer{Status: string(computed.Status), Message: computed.Message}
	for _, c := range computed.Conditions {
		result.Conditions = append(result.Conditions, condition{string(c.Type), string(c.Status), c.Reason, c.Message})
	}
	return result
}

func find(path string, data interface{}) answer {
	parser := jsonpath.New("path").AllowMissingKeys(true)
	if err := parser.Parse(path); err != nil {
		return answer{Error: err.Error()}
	}
	groups, err := parser.FindResults(data)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result := answer{Results: []interface{}{}}
	for _, group := range groups {
		for _, value := range group {
			result.Results = append(result.Results, value.Interface())
		}
	}
	return result
}
