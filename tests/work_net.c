/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of work that go over the network; all of it is the loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work.h"

static struct sockaddr_in local(in_port_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = port,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* The port of a socket that is bound to one on the loopback. */
static in_port_t bind_local(int fd)
{
	struct sockaddr_in at = local(0);
	socklen_t len = sizeof(at);

	check(bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	check(getsockname(fd, (struct sockaddr *)&at, &len), "getsockname");
	return at.sin_port;
}

static void send_all(int fd, long cnt)
{
	char data[1024] = "";

	for (; cnt > 0; cnt -= (long)sizeof(data))
		check(send(fd, data, (size_t)cnt < sizeof(data) ? (size_t)cnt : sizeof(data), 0),
		      "send");
}

static void read_all(int fd)
{
	char data[4096];

	while (recv(fd, data, sizeof(data), 0) > 0)
		;
}

/* N connections, one after the other, over each of which SIZE bytes go; all in this process */
static void connections(const long *n, struct sockaddr *at, socklen_t len)
{
	int listener = (int)check(socket(at->sa_family, SOCK_STREAM, 0), "socket");

	check(bind(listener, at, len), "bind");
	check(getsockname(listener, at, &len), "getsockname");
	check(listen(listener, 77), "listen");
	for (long i = 0; i < n[0]; i++) {
		int client = (int)check(socket(at->sa_family, SOCK_STREAM, 0), "socket"), server;

		check(connect(client, at, len), "connect");
		server = (int)check(accept(listener, NULL, NULL), "accept");
		send_all(client, n[1]);
		shutdown(client, SHUT_WR);
		read_all(server);
		close(server);
		read_all(client);
		close(client);
	}
	close(listener);
}

void do_connections(const long *n)
{
	struct sockaddr_in at = local(0);

	connections(n, (struct sockaddr *)&at, sizeof(at));
}

/* The same over IPv6 */
void do_connections6(const long *n)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	connections(n, (struct sockaddr *)&at, sizeof(at));
}

/* N connections to a port where nobody listens */
void do_refused(const long *n)
{
	int fd = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");
	struct sockaddr_in at = local(bind_local(fd));

	for (long i = 0; i < n[0]; i++) {
		int client = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");

		if (!connect(client, (struct sockaddr *)&at, sizeof(at)) || errno != ECONNREFUSED)
			fail("connect");
		close(client);
	}
	close(fd);
}

/* N datagrams of SIZE to ourselves */
void do_datagrams(const long *n)
{
	int fd = (int)check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
	struct sockaddr_in at = local(bind_local(fd));
	char data[1024] = "";

	for (long i = 0; i < n[0]; i++) {
		check(sendto(fd, data, (size_t)n[1], 0, (struct sockaddr *)&at, sizeof(at)),
		      "sendto");
		check(recv(fd, data, sizeof(data), 0), "recv");
	}
	close(fd);
}

/* N packets of SIZE bytes of a protocol that nobody speaks, on the loopback */
void do_strange(const long *n)
{
	int fd = (int)check(socket(AF_INET, SOCK_RAW, 253), "socket");
	struct sockaddr_in from = local(0), to = local(0);
	char data[1024] = "";

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1); /* else we would get them */
	check(bind(fd, (struct sockaddr *)&from, sizeof(from)), "bind");
	for (long i = 0; i < n[0]; i++)
		check(sendto(fd, data, (size_t)n[1], 0, (struct sockaddr *)&to, sizeof(to)),
		      "sendto");
	close(fd);
}

static unsigned retransmitted(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	check(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
	return info.tcpi_total_retrans;
}

/* N connections that a server with a full queue does not answer, until each has asked again */
void do_unanswered(const long *n)
{
	int listener = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket"), fd[64];
	struct sockaddr_in at = local(bind_local(listener));

	check(listen(listener, 0), "listen");
	check(connect((int)check(socket(AF_INET, SOCK_STREAM, 0), "socket"), (struct sockaddr *)&at,
		      sizeof(at)),
	      "connect");
	for (long i = 0; i < n[0] && i < 64; i++) {
		fd[i] = (int)check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
		connect(fd[i], (struct sockaddr *)&at, sizeof(at));
	}
	for (long i = 0; i < n[0] && i < 64; i++)
		while (!retransmitted(fd[i]))
			sleep_ms(10);
}

void do_names(const long *n)
{
	const struct addrinfo hint = { .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found;

	for (long i = 0; i < n[0]; i++)
		if (!getaddrinfo("127.0.0.9", NULL, &hint, &found))
			freeaddrinfo(found);
}
