// Prints what the upstream CRI module declares (messages, fields, enums, methods) as JSON on stdout.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type field struct {
	Number     int32  `json:"number"`
	Type       string `json:"type"`
	Label      string `json:"label"`
	JSONName   string `json:"jsonName"`
	Deprecated bool   `json:"deprecated"`
	Redacted   bool   `json:"redacted"`
}

type method struct {
	Request        string `json:"request"`
	Response       string `json:"response"`
	RequestStream  bool   `json:"requestStream"`
	ResponseStream bool   `json:"responseStream"`
}

type api struct {
	Package  string                       `json:"package"`
	Messages map[string]map[string]field  `json:"messages"`
	Enums    map[string]map[string]int32  `json:"enums"`
	Services map[string]map[string]method `json:"services"`
}

func typeOf(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return string(f.Message().FullName())
	case protoreflect.EnumKind:
		return string(f.Enum().FullName())
	default:
		return f.Kind().String()
	}
}

func describe(f protoreflect.FieldDescriptor) field {
	described := field{Number: int32(f.Number()), Type: typeOf(f), Label: "optional", JSONName: f.JSONName()}
	if options, ok := f.Options().(*descriptorpb.FieldOptions); ok {
		described.Deprecated = options.GetDeprecated()
		described.Redacted = options.GetDebugRedact()
	}
	if f.IsMap() {
		described.Label = "map"
		described.Type = typeOf(f.MapKey()) + "," + typeOf(f.MapValue())
	} else if f.IsList() {
		described.Label = "repeated"
	} else if f.HasOptionalKeyword() || f.ContainingOneof() != nil {
		described.Label = "presence"
	}
	return described
}

func (a *api) addMessages(messages protoreflect.MessageDescriptors) {
	for i := 0; i < messages.Len(); i++ {
		message := messages.Get(i)
		if message.IsMapEntry() {
			continue
		}
		fields := map[string]field{}
		for j := 0; j < message.Fields().Len(); j++ {
			f := message.Fields().Get(j)
			fields[string(f.Name())] = describe(f)
		}
		a.Messages[string(message.FullName())] = fields
		a.addMessages(message.Messages())
		a.addEnums(message.Enums())
	}
}

func (a *api) addEnums(enums protoreflect.EnumDescriptors) {
	for i := 0; i < enums.Len(); i++ {
		values := map[string]int32{}
		for j := 0; j < enums.Get(i).Values().Len(); j++ {
			value := enums.Get(i).Values().Get(j)
			values[string(value.Name())] = int32(value.Number())
		}
		a.Enums[string(enums.Get(i).FullName())] = values
	}
}

func (a *api) addServices(services protoreflect.ServiceDescriptors) {
	for i := 0; i < services.Len(); i++ {
		methods := map[string]method{}
		for j := 0; j < services.Get(i).Methods().Len(); j++ {
			m := services.Get(i).Methods().Get(j)
			methods[string(m.Name())] = method{
				Request: string(m.Input().FullName()), Response: string(m.Output().FullName()),
				RequestStream: m.IsStreamingClient(), ResponseStream: m.IsStreamingServer(),
			}
		}
		a.Services[string(services.Get(i).FullName())] = methods
	}
}

func main() {
	file := (&runtimeapi.VersionRequest{}).ProtoReflect().Descriptor().ParentFile()
	described := api{
		Package:  string(file.Package()),
		Messages: map[string]map[string]field{},
		Enums:    map[string]map[string]int32{},
		Services: map[string]map[string]method{},
	}
	described.addMessages(file.Messages())
	described.addEnums(file.Enums())
	described.addServices(file.Services())
	if err := json.NewEncoder(os.Stdout).Encode(described); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
