// The integration guide's example program; agent and dates come as arguments.
import { CalendarAPIError, CalendarClient } from "universal-calendar-client";

async function main() {
  const client = new CalendarClient(
    process.env.AIOOS_BASE_URL || "http://localhost:8000",
    process.env.AIOOS_API_KEY || "secret-key-abc123",
  );

  const [agentId, startDate, endDate] = process.argv.slice(2);

  try {
    const slots = await client.getFreeSlots(agentId, startDate, endDate, 30);
    console.log(`Found ${slots.available_slots.length} days with availability`);

    if (slots.available_slots.length > 0) {
      const firstDay = slots.available_slots[0];
      const firstSlot = firstDay.slots[0];
      console.log(`Booking ${firstDay.date} at ${firstSlot.start}...`);

      const booking = await client.bookAppointment({
        agent_id: agentId,
        participant_name: "John Doe",
        booking_date: firstDay.date,
        booking_time: firstSlot.start,
        duration_minutes: 30,
        participant_email: "john@example.com",
        external_reference_id: "NODE-TEST-001",
      });

      console.log("Booking confirmed!");
      console.log(`   Booking ID: ${booking.booking_id}`);
    }
  } catch (error) {
    if (error instanceof CalendarAPIError) {
      console.error(`Failed: ${error.message}`);
    } else {
      console.error("Unexpected error:", error);
    }
  }
}

if (require.main === module) {
  main();
}
