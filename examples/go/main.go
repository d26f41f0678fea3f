// Call Slugline from Go: classify ADDRESS [VERSION]. SLUGLINE_TLS_CA and SLUGLINE_TOKEN may be set.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"
	"time"

	pb "github.com/slugline/slugline-go/slugline/v1"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // to read them in a status
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/health" // heeds healthCheckConfig
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

//go:embed service-config.json
var serviceConfig string

func security() (grpc.DialOption, error) {
	ca := os.Getenv("SLUGLINE_TLS_CA")
	if ca == "" {
		return grpc.WithInsecure(), nil
	}
	tls, err := credentials.NewClientTLSFromFile(ca, "")
	return grpc.WithTransportCredentials(tls), err
}

func classify(ctx context.Context, client pb.ClassificationServiceClient, version string) error {
	answer, err := client.Classify(ctx, &pb.ClassifyRequest{
		Document: &pb.Document{
			Title: "Envoys in Geneva",
			Text:  "Ministers held talks on a treaty while troops shelled the border.",
		},
		EvidenceTerms: 3,
		ModelVersion:  version,
	})
	if err != nil {
		return err
	}
	for _, topic := range answer.Topics {
		assigned, term := "no", "-"
		if topic.Assigned {
			assigned = "yes"
		}
		if terms := topic.Evidence.GetTerms(); len(terms) > 0 {
			term = terms[0].Term
		}
		fmt.Printf("%s %.3f %s %s\n", topic.Topic, topic.Score, assigned, term)
	}
	return nil
}

func classifyBatch(ctx context.Context, client pb.ClassificationServiceClient) error {
	documents := []*pb.Document{
		{Id: "a", Text: "The ambassador signed the treaty at the summit."},
		{Id: "b", Text: " "},
	}
	answer, err := client.BatchClassify(ctx, &pb.BatchClassifyRequest{Documents: documents})
	if err != nil {
		return err
	}
	outcomes := make([]string, len(documents))
	for i := range documents {
		var assigned []string
		for j, topic := range answer.Topics {
			if answer.Scores[i*len(answer.Topics)+j] >= answer.Thresholds[j] {
				assigned = append(assigned, topic)
			}
		}
		if outcomes[i] = strings.Join(assigned, ", "); outcomes[i] == "" {
			outcomes[i] = "none"
		}
	}
	for _, e := range answer.Errors { // their rows of scores are NaN
		outcomes[e.Index] = strings.TrimPrefix(e.Reason.String(), "DOCUMENT_ERROR_REASON_") + ": " + e.Message
	}
	for i, document := range documents {
		fmt.Printf("%s: %s\n", document.Id, outcomes[i])
	}
	return nil
}

func run(address, version string) error {
	security, err := security()
	if err != nil {
		return err
	}
	connection, err := grpc.Dial(address, security, grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := pb.NewClassificationServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if token := os.Getenv("SLUGLINE_TOKEN"); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	if err := classify(ctx, client, version); err != nil {
		return err
	}
	return classifyBatch(ctx, client)
}

func main() {
	address, version := os.Args[1], ""
	if len(os.Args) > 2 {
		version = os.Args[2]
	}
	if err := run(address, version); err != nil {
		failed := status.Convert(err)
		fmt.Fprintf(os.Stderr, "%s: %s %v\n", failed.Code(), failed.Message(), failed.Details())
		os.Exit(1)
	}
}
