export const AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754";

const DAY = {
  date: "2027-03-01",
  day_of_week: "Monday",
  total_slots: 1,
  slots: [{ start: "09:00", end: "09:30", duration_minutes: 30 }],
};

export const FREE_SLOTS = {
  agent_id: AGENT,
  start_date: "2027-03-01",
  end_date: "2027-03-07",
  timezone: "UTC",
  slot_duration_minutes: 30,
  total_days_with_availability: 1,
  available_slots: [DAY],
};

const BOOKED = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

export const BOOKING = {
  status: "success",
  booking_id: BOOKED,
  message: "Booking confirmed for 2027-03-01 at 09:00",
  details: {
    event_id: BOOKED,
    agent_id: AGENT,
    participant_name: "Ada Lovelace",
    booking_date: "2027-03-01",
    booking_time: "09:00",
    duration_minutes: 30,
    external_reference_id: null,
  },
};

export const REQUEST = {
  agent_id: AGENT,
  participant_name: "Ada Lovelace",
  booking_date: "2027-03-01",
  booking_time: "09:00",
};

export const TAKEN = "Time slot 09:00 on 2027-03-01 is not available";

export const OFFER = {
  date: "2027-03-01",
  start: "10:00",
  end: "10:30",
  duration_minutes: 30,
};
