// A small HTTP server on the loopback for tests, which also misbehaves: what it sends is a test's
// own bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ondol::net::testing {

struct ServedRequest {
  std::string head;  // request line and headers
  std::string body;
};

// What a connection gets: pieces with pauses between them, then the end.
struct Reply {
  std::vector<std::string> pieces;
  int pause_ms = 0;  // before each piece
};

inline std::string http_answer(int status, const std::string& body,
                               const std::string& more_headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
         more_headers + "Connection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

inline std::string chat_answer(const std::string& content_json,
                               const std::string& reason = "stop") {
  return http_answer(200, R"({"choices":[{"index":0,"message":{"role":"assistant","content":)" +
                              content_json + R"(},"finish_reason":")" + reason +
                              R"("}],"usage":{"prompt_tokens":11,"completion_tokens":5}})");
}

class LoopbackServer {
 public:
  // The reply to the n-th request (from 0); called from a thread a connection.
  using Script = std::function<Reply(const ServedRequest&, int n)>;

  explicit LoopbackServer(Script script) : script_(std::move(script)) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket_, 64) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this](std::stop_token stop) { accept_all(stop); });
  }
  ~LoopbackServer() {
    acceptor_.request_stop();
    acceptor_.join();
    connections_.clear();  // joins
    close(socket_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int served() const { return served_; }
  std::vector<ServedRequest> requests() const {
    const std::lock_guard guard(mutex_);
    return requests_;
  }
  int most_at_a_time() const { return most_; }

 private:
  void accept_all(std::stop_token stop) {
    while (!stop.stop_requested()) {
      pollfd ready{socket_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const int connection = accept(socket_, nullptr, nullptr);
      if (connection < 0) continue;
      connections_.emplace_back([this, connection](std::stop_token ended) {
        serve(connection, ended);
        close(connection);
      });
    }
  }

  static size_t length_of(const std::string& head) {
    const size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  void serve(int connection, std::stop_token ended) {
    ServedRequest request;
    std::string bytes;
    char piece[4096];
    size_t head_end = std::string::npos;
    while (!ended.stop_requested()) {
      head_end = bytes.find("\r\n\r\n");
      if (head_end != std::string::npos &&
          bytes.size() >= head_end + 4 + length_of(bytes.substr(0, head_end + 2))) {
        break;
      }
      pollfd ready{connection, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const ssize_t got = read(connection, piece, sizeof piece);
      if (got <= 0) return;
      bytes.append(piece, static_cast<size_t>(got));
    }
    if (head_end == std::string::npos) return;
    request.head = bytes.substr(0, head_end);
    request.body = bytes.substr(head_end + 4);
    const int running = ++running_;
    for (int most = most_; running > most && !most_.compare_exchange_weak(most, running);) {
    }
    {
      const std::lock_guard guard(mutex_);
      requests_.push_back(request);
    }
    const Reply reply = script_(request, served_++);
    for (const std::string& part : reply.pieces) {
      for (int left = reply.pause_ms; left > 0 && !ended.stop_requested(); left -= 10) {
        std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, 10)));
      }
      if (send(connection, part.data(), part.size(), MSG_NOSIGNAL) < 0) break;
    }
    --running_;
  }

  Script script_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<int> served_{0}, running_{0}, most_{0};
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace ondol::net::testing
