// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An exporter whose collector or path is not what it should be.
 */
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "export/exporter.h"
#include "unit/exporter_fixture.h"

/* No way to send: flows queue, then are dropped, all counted; then they leave. */
TEST_F(collector, full_ring)
{
	struct exporter_stats s;
	struct exporter *e;
	uint64_t room, put = 0;

	strcpy(self->params.source, "192.0.2.77");
	ASSERT_EQ(exporter_create(&e, &self->params, NULL, NULL), 0);
	EXPECT_NE(strstr(exporter_trouble(e), "192.0.2.77"), NULL);
	for (;;) {
		uint32_t n = exporter_room(e, self->record);

		if (!n)
			break;
		n = n < FLOWS ? n : FLOWS;
		exporter_put_flows(e, self->record, self->flows, n);
		put += n;
		exporter_tick(e, clock_mono_ns(), false);
		exporter_stats(e, &s);
		ASSERT_EQ(s.dropped_full.flows, 0);
	}
	EXPECT_GT(put, 40000);
	for (room = 0; room < 10; room++)
		exporter_put_flows(e, self->record, self->flows, FLOWS);
	exporter_stats(e, &s);
	EXPECT_GT(s.dropped_full.flows, 0);
	EXPECT_EQ(s.taken.flows, put + 10 * FLOWS);
	EXPECT_EQ(s.queued.flows + s.dropped_full.flows, s.taken.flows);
	EXPECT_TRUE(ledger_holds(e));

	/* the address comes */
	e->params.source[0] = 0;
	exporter_tick(e, clock_mono_ns(), true);
	EXPECT_NE(exporter_trouble(e)[0], 0);
	while (exporter_tick(e, clock_mono_ns() + 2 * NSEC_PER_SEC, true))
		ASSERT_TRUE(collector_drain(self->fd, self->d));
	exporter_put_flows(e, self->record, self->flows, 1);
	exporter_tick(e, clock_mono_ns() + 2 * NSEC_PER_SEC, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_STREQ(exporter_trouble(e), "");
	EXPECT_TRUE(collector_agrees(e, self->d));
	/* what was dropped shows as a gap where the sequence is of records */
	EXPECT_EQ(self->d->missed,
		  self->params.protocol == EXPORT_IPFIX ? s.dropped_full.flows : 0);
	exporter_destroy(e);
}

/* Nobody listens: datagrams are sent all the same, and the answers are counted. */
TEST_F(collector, port_unreachable)
{
	struct exporter_stats s;
	int i;

	close(self->fd);
	self->fd = -1;
	for (i = 0; i < 5; i++) {
		exporter_put_flows(self->e, self->record, self->flows, 200);
		turn(self, 10, true);
	}
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.sent.flows, 1000);
	EXPECT_EQ(s.queued.flows, 0);
	EXPECT_GT(s.unreachable, 10);
	EXPECT_EQ(s.last_errno, ECONNREFUSED);
	EXPECT_NE(strstr(exporter_trouble(self->e), "refused"), NULL);
	EXPECT_TRUE(ledger_holds(self->e));
}

/* A collector that comes late hears of the templates within a second or two, not at the next refresh. */
TEST_F(collector, comes_late)
{
	uint16_t port = self->params.port;
	uint64_t now_ns;
	int i;

	close(self->fd);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	self->fd = collector_open(&port);
	ASSERT_EQ(port, self->params.port);
	now_ns = clock_mono_ns();
	for (i = 1; i <= 3; i++)
		exporter_tick(self->e, now_ns + i * NSEC_PER_SEC, true);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	exporter_tick(self->e, now_ns + 4 * NSEC_PER_SEC, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, FLOWS);
}

/*
 * Nobody answers any more: with another exporter that sends to the same host,
 * the answers that its kernel has for a second may all be for that one.
 */
TEST_F(collector, comes_late_unheard)
{
	uint16_t port = self->params.port;
	uint64_t templates;
	int i;

	self->params.template_packets = 0;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	turn(self, 40000, true); /* what is said again at the start */
	close(self->fd);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 10, true);
	turn(self, 1000, true);
	turn(self, 1000, true);
	self->fd = collector_open(&port);
	ASSERT_EQ(port, self->params.port);
	turn(self, 1000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	for (i = 0; i < 20; i++) {
		templates = self->d->templates;
		turn(self, 5001, true);
		ASSERT_TRUE(collector_drain(self->fd, self->d));
		EXPECT_EQ(self->d->templates, templates + 1);
	}
	turn(self, 600000, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	templates = self->d->templates;
	for (i = 0; i < 20; i++)
		turn(self, 5001, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->templates, templates);
}

static int set_loopback_mtu(int mtu)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	r.ifr_mtu = mtu;
	ret = ioctl(fd, SIOCSIFMTU, &r);
	r.ifr_flags = IFF_UP;
	ret |= ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return ret;
}

/* Move collector and exporter to a network namespace of their own; false: not allowed to. */
static bool own_network(struct _test_data_collector *self)
{
	if (unshare(CLONE_NEWNET) || set_loopback_mtu(9000))
		return false;
	close(self->fd);
	exporter_destroy(self->e);
	self->e = NULL;
	self->fd = collector_open(&self->params.port);
	if (self->fd < 0 || exporter_create(&self->e, &self->params, NULL, NULL))
		return false;
	self->now_ns = clock_mono_ns(); /* it may have taken long to get here */
	return true;
}

/* The path becomes narrower: queued messages that no longer fit are lost, by count; others leave. */
TEST_F(collector, path_becomes_narrower)
{
	struct exporter_stats s;

	self->params.mtu = 0;
	if (!own_network(self))
		SKIP(return, "needs a network namespace of its own");
	EXPECT_EQ(sender_message_limit(&self->e->sender), 9000 - 28);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	ASSERT_EQ(set_loopback_mtu(1500), 0);
	EXPECT_EQ(turn(self, 10, true), 0);
	exporter_stats(self->e, &s);
	EXPECT_GT(s.dropped_send.flows, 0);
	EXPECT_EQ(s.last_errno, EMSGSIZE);
	EXPECT_TRUE(ledger_holds(self->e));
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_EQ(turn(self, 10, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.sent.flows + s.dropped_send.flows, 2 * FLOWS);
	EXPECT_GE(s.sent.flows, FLOWS);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_EQ(sender_message_limit(&self->e->sender), 1500 - 28);
}

/* The network goes and comes: flows wait, and the new connection begins with templates and options. */
TEST_F(collector, network_goes_and_comes)
{
	struct exporter_stats s;

	if (!own_network(self))
		SKIP(return, "needs a network namespace of its own");
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_EQ(turn(self, 10, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->options_records, 3);
	ASSERT_EQ(system("ip addr del 127.0.0.1/8 dev lo"), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_GT(turn(self, 10, true), 0);
	EXPECT_NE(exporter_trouble(self->e)[0], 0);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.queued.flows, FLOWS);
	EXPECT_GT(s.send_errors, 0);

	ASSERT_EQ(system("ip addr add 127.0.0.1/8 dev lo"), 0);
	memset(self->d->known, 0, sizeof(self->d->known));
	EXPECT_GT(turn(self, 10, true), 0); /* not before a second is over */
	EXPECT_EQ(turn(self, 1000, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 2 * FLOWS);
	EXPECT_EQ(self->d->options_records, 6);
	EXPECT_EQ(self->d->gaps, 0);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
	EXPECT_STREQ(exporter_trouble(self->e), "");
}

/* Our address goes while nothing is to be sent: found out all the same, and the new connection has an address that is there. */
TEST_F(collector, source_goes)
{
	if (!own_network(self))
		SKIP(return, "needs a network namespace of its own");
	EXPECT_EQ(turn(self, 10, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	ASSERT_EQ(system("ip addr del 127.0.0.1/8 dev lo"), 0);
	turn(self, 1000, true);
	EXPECT_NE(strstr(exporter_trouble(self->e), "assign"), NULL);

	ASSERT_EQ(system("ip addr add 127.0.0.1/8 dev lo"), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	turn(self, 1000, true);
	EXPECT_EQ(turn(self, 1000, true), 0);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, FLOWS);
	EXPECT_EQ(self->d->gaps, 0);
	EXPECT_STREQ(exporter_trouble(self->e), "");
}

/* A queue on the way that is full: what it did not take leaves later, in order. */
TEST_F(collector, slow_queue)
{
	struct exporter_stats s;
	int turns = 0;

	if (!own_network(self) ||
	    system("tc qdisc add dev lo root tbf rate 8mbit burst 10kb limit 20kb 2>&-"))
		SKIP(return, "needs a network namespace of its own, and tc with tbf");
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	EXPECT_GT(turn(self, 10, true), 0);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.last_errno, ENOBUFS);
	EXPECT_STREQ(exporter_trouble(self->e), "");
	while (turn(self, 10, true) && turns++ < 1000)
		usleep(5000);
	usleep(100000);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, FLOWS);
	EXPECT_EQ(self->d->gaps, 0);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

TEST_F(collector, record_too_long_for_the_mtu)
{
	struct record *huge = record_create("HUGE");
	struct exporter_stats s;

	huge->layout_hash = 1;
	while (huge->n_fields < RECORD_FIELDS_MAX)
		huge->fields[huge->n_fields++] = field_get(FIELD_ID_IPV6_SRC);
	self->params.mtu = 512;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	EXPECT_GT(exporter_room(self->e, huge), 0);
	exporter_put_flows(self->e, huge, self->flows, 10);
	exporter_stats(self->e, &s);
	EXPECT_EQ(s.dropped_send.flows, 10);
	EXPECT_TRUE(ledger_holds(self->e));
	exporter_put_flows(self->e, self->record, self->flows, 10);
	turn(self, 10, true);
	ASSERT_TRUE(collector_drain(self->fd, self->d));
	EXPECT_EQ(self->d->flows, 10);
	record_put(huge);
}

TEST_F(collector, paced)
{
	uint64_t ticks = 0, before;

	self->params.burst = 4;
	ASSERT_EQ(exporter_update(self->e, &self->params, NULL), 0);
	exporter_put_flows(self->e, self->record, self->flows, FLOWS);
	do {
		before = self->d->messages;
		turn(self, 10, true);
		ASSERT_TRUE(collector_drain(self->fd, self->d));
		ASSERT_LE(self->d->messages - before, 4);
		ticks++;
	} while (!exporter_idle(self->e));
	EXPECT_GE(ticks, FLOWS / 23 / 4);
	EXPECT_TRUE(collector_agrees(self->e, self->d));
}

TEST_HARNESS_MAIN
