"""The service: a gRPC server that loads a model and answers with topics."""
