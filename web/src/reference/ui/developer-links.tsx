import { Icon } from './icon';

const links = [
  { href: '/sandbox/', label: 'Sandbox', text: 'Fire an event, break Zoho' },
  { href: '/sandbox/cliq', label: 'Cliq chats', text: 'What the bot sent' },
  { href: '/sandbox/mail', label: 'Mailbox', text: 'Every e-mail, caught' },
  { href: '/playground/', label: 'Playground', text: 'The API, live' },
];

/** The tools of a development server. They open beside the page, so that one can watch it while using them. */
export function DeveloperLinks() {
  return (
    <nav className="tools" aria-label="Developer tools">
      {links.map((link) => (
        <a key={link.href} href={link.href} target="_blank" rel="noopener">
          <b>
            {link.label} <Icon name="external" />
          </b>
          <small>{link.text}</small>
        </a>
      ))}
    </nav>
  );
}
