package windlass

import (
	"reflect"
	"sort"

	"go.yaml.in/yaml/v3"
)

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// merge makes the difference between before and after, values as encoding/json reads them, in a node.
func merge(place **yaml.Node, before, after any) error {
	if equal(before, after) {
		return nil
	}
	node := own(place)
	switch now := after.(type) {
	case map[string]any:
		if was, is := before.(map[string]any); is && node.Kind == yaml.MappingNode {
			return mergeMaps(node, was, now)
		}
	case []any:
		if was, is := before.([]any); is && node.Kind == yaml.SequenceNode && len(was) == len(node.Content) {
			return mergeLists(node, was, now)
		}
	}
	return replace(place, after)
}

func replace(place **yaml.Node, by any) error {
	fresh, err := nodeOf(by)
	if err != nil {
		return err
	}
	old := *place
	fresh.HeadComment, fresh.LineComment, fresh.FootComment = old.HeadComment, old.LineComment, old.FootComment
	*place = fresh
	return nil
}

func mergeMaps(node *yaml.Node, before, after map[string]any) error {
	for key := range before {
		if _, stays := after[key]; !stays {
			remove(node, key)
		}
	}
	keys := make([]string, 0, len(after))
	for key := range after {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		was, had := before[key]
		if had && equal(was, after[key]) || !had && after[key] == nil {
			continue
		}
		if after[key] == nil {
			remove(node, key)
			continue
		}
		place, err := stepInto(node, key, false)
		if err != nil {
			return err
		}
		if err := merge(place, was, after[key]); err != nil {
			return err
		}
	}
	return nil
}

// mergeLists keeps what a list had: items that are told apart by their names by those, others from both ends.
func mergeLists(node *yaml.Node, before, after []any) error {
	names, isNamed := namesOf(before)
	if _, both := namesOf(after); !isNamed || !both {
		return mergeItems(node, before, after)
	}
	items := make([]*yaml.Node, 0, len(after))
	for _, item := range after {
		index, had := names[nameOf(item)]
		if !had {
			fresh, err := nodeOf(item)
			if err != nil {
				return err
			}
			items = append(items, fresh)
			continue
		}
		kept := node.Content[index]
		if err := merge(&kept, before[index], item); err != nil {
			return err
		}
		items = append(items, kept)
	}
	node.Content = items
	return nil
}

func mergeItems(node *yaml.Node, before, after []any) error {
	start, most := 0, min(len(before), len(after))
	for start < most && equal(before[start], after[start]) {
		start++
	}
	end := 0
	for end < most-start && equal(before[len(before)-1-end], after[len(after)-1-end]) {
		end++
	}
	items := append([]*yaml.Node{}, node.Content[:start]...)
	for index := start; index < len(after)-end; index++ {
		if index >= len(before)-end {
			fresh, err := nodeOf(after[index])
			if err != nil {
				return err
			}
			items = append(items, fresh)
			continue
		}
		kept := node.Content[index]
		if err := merge(&kept, before[index], after[index]); err != nil {
			return err
		}
		items = append(items, kept)
	}
	node.Content = append(items, node.Content[len(before)-end:]...)
	return nil
}

// namesOf are the places of a list's items by their names; false where they are not told apart by them.
func namesOf(items []any) (map[string]int, bool) {
	names := make(map[string]int, len(items))
	for index, item := range items {
		name := nameOf(item)
		if _, taken := names[name]; taken || name == "" {
			return nil, false
		}
		names[name] = index
	}
	return names, true
}

func nameOf(item any) string {
	entries, _ := item.(map[string]any)
	name, _ := entries["name"].(string)
	return name
}
