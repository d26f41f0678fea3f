import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.slugline.v1.BatchClassifyRequest;
import io.slugline.v1.BatchClassifyResponse;
import io.slugline.v1.ClassificationServiceGrpc;
import io.slugline.v1.ClassificationServiceGrpc.ClassificationServiceBlockingStub;
import io.slugline.v1.ClassifyRequest;
import io.slugline.v1.Document;
import io.slugline.v1.DocumentError;
import io.slugline.v1.TopicScore;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.net.ssl.SSLException;

/** Call Slugline from Java: Classify ADDRESS [VERSION]. SLUGLINE_TLS_CA and SLUGLINE_TOKEN may be set. */
public final class Classify {
  private static final Map<String, ?> SERVICE_CONFIG = Map.of(
      "methodConfig", List.of(Map.of(
          "name", List.of(Map.of("service", ClassificationServiceGrpc.SERVICE_NAME)),
          "retryPolicy", Map.of(
              "maxAttempts", 5.0,
              "initialBackoff", "0.25s",
              "maxBackoff", "5s",
              "backoffMultiplier", 2.5,
              "retryableStatusCodes", List.of("UNAVAILABLE", "RESOURCE_EXHAUSTED")))));

  private static ManagedChannel connect(String address) throws SSLException {
    NettyChannelBuilder builder = NettyChannelBuilder.forTarget(address)
        .defaultLoadBalancingPolicy("round_robin").defaultServiceConfig(SERVICE_CONFIG).enableRetry();
    String ca = System.getenv("SLUGLINE_TLS_CA");
    if (ca == null) {
      return builder.usePlaintext().build();
    }
    return builder.sslContext(GrpcSslContexts.forClient().trustManager(new File(ca)).build()).build();
  }

  private static ClientInterceptor token() {
    Metadata metadata = new Metadata();
    String token = System.getenv("SLUGLINE_TOKEN");
    if (token != null) {
      metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    }
    return MetadataUtils.newAttachHeadersInterceptor(metadata);
  }

  private static void classify(ClassificationServiceBlockingStub stub, String version) {
    Document document = Document.newBuilder()
        .setTitle("Envoys in Geneva")
        .setText("Ministers held talks on a treaty while troops shelled the border.")
        .build();
    ClassifyRequest request = ClassifyRequest.newBuilder()
        .setDocument(document).setEvidenceTerms(3).setModelVersion(version).build();
    for (TopicScore topic : stub.withDeadlineAfter(5, TimeUnit.SECONDS).classify(request).getTopicsList()) {
      String term = topic.getEvidence().getTermsCount() > 0 ? topic.getEvidence().getTerms(0).getTerm() : "-";
      System.out.printf(Locale.ROOT, "%s %.3f %s %s%n",
          topic.getTopic(), topic.getScore(), topic.getAssigned() ? "yes" : "no", term);
    }
  }

  private static void classifyBatch(ClassificationServiceBlockingStub stub) {
    BatchClassifyRequest request = BatchClassifyRequest.newBuilder()
        .addDocuments(Document.newBuilder().setId("a").setText("The ambassador signed the treaty at the summit."))
        .addDocuments(Document.newBuilder().setId("b").setText(" "))
        .build();
    BatchClassifyResponse response = stub.withDeadlineAfter(5, TimeUnit.SECONDS).batchClassify(request);
    int width = response.getTopicsCount();
    List<String> outcomes = new ArrayList<>();
    for (int i = 0; i < request.getDocumentsCount(); i++) {
      int row = i * width;
      String assigned = IntStream.range(0, width)
          .filter(j -> response.getScores(row + j) >= response.getThresholds(j))
          .mapToObj(response::getTopics)
          .collect(Collectors.joining(", "));
      outcomes.add(assigned.isEmpty() ? "none" : assigned);
    }
    for (DocumentError error : response.getErrorsList()) { // their rows of scores are NaN
      String reason = error.getReason().name().replace("DOCUMENT_ERROR_REASON_", "");
      outcomes.set((int) error.getIndex(), reason + ": " + error.getMessage());
    }
    for (int i = 0; i < outcomes.size(); i++) {
      System.out.printf(Locale.ROOT, "%s: %s%n", request.getDocuments(i).getId(), outcomes.get(i));
    }
  }

  public static void main(String[] arguments) throws SSLException {
    ManagedChannel channel = connect(arguments[0]);
    int exit = 0;
    try {
      ClassificationServiceBlockingStub stub =
          ClassificationServiceGrpc.newBlockingStub(channel).withInterceptors(token());
      classify(stub, arguments.length > 1 ? arguments[1] : "");
      classifyBatch(stub);
    } catch (StatusRuntimeException error) {
      System.err.println(error.getStatus().getCode() + ": " + error.getStatus().getDescription());
      exit = 1;
    } finally {
      channel.shutdownNow();
    }
    System.exit(exit);
  }
}
